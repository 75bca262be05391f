"""What people write: cleaned on the way in, turned into HTML on the way out.

The text is kept as it was written. On the way out only web addresses, mentions and tags become links;
everything else is text, so there is no HTML to sanitise.
"""

import re
import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import quote

from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from linkify_it import LinkifyIt

FOLD_WORDS = 40  # as kwippy did in 2008
FOLD_CHARACTERS = 600
FOLD_LINES = 12
TAG_LENGTH = 50

# Control characters but for the tab and the line feed; line and paragraph separators become line feeds.
# The bidirectional embeddings, overrides and isolates go too: with them a link can be written to read as
# another one. Direction comes from dir="auto" instead. Joiners stay: emoji and whole scripts need them.
_UNWANTED = re.compile("[\x01-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff]")
_NEW_LINE = re.compile("\r\n|[\r\x85\u2028\u2029]")
_MANY_NEW_LINES = re.compile("\n(?:[^\\S\n]*\n){3,}")
# Characters that take no ink: a text of nothing else is empty.
_INVISIBLE = re.compile("[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]+")  # fmt: skip  # noqa: E501

# No address is this long, and linkify-it takes quadratic time over some that are (12 s for 100,000
# characters of "http://a.com/&http://a.com/&…").
_TOO_LONG_A_WORD = re.compile(r"\S{1001,}")
# And no further than this: hostile text takes it half a second for 100,000 characters, and a conversation has
# twenty comments on a page.
_SEARCHED = 30_000


def _marks() -> str:
    r"""The characters that combine with the one before them, as ranges for a regular expression.

    Python's ``\w`` leaves them out, and with them the vowels of whole scripts: it reads "चाय" as "च".
    """
    points = [point for point in range(0x300, 0x1FFFF) if unicodedata.category(chr(point)) in ("Mn", "Mc")]
    starts = [point for point in points if unicodedata.category(chr(point - 1)) not in ("Mn", "Mc")]
    ends = [point for point in points if unicodedata.category(chr(point + 1)) not in ("Mn", "Mc")]
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in zip(starts, ends, strict=True))


_WORD = rf"[\w{_marks()}]"
_NAME_OR_TAG = re.compile(
    rf"(?<![\w@/.&])@(?P<mention>[A-Za-z0-9_]{{3,30}})(?![\w@])"
    rf"|(?<!{_WORD})(?<![#&/])#(?P<tag>{_WORD}{{1,{TAG_LENGTH}}})(?!{_WORD})"
)


@dataclass(frozen=True, slots=True)
class Token:
    """A stretch of a text. ``kind`` is "text", "link", "mention" or "tag"; ``target`` what it points at."""

    kind: str
    raw: str
    target: str = ""


@cache
def _linkifier() -> LinkifyIt:
    finder = LinkifyIt(options={"fuzzy_link": True, "fuzzy_email": True, "fuzzy_ip": False})
    return finder.add("ftp:", None).add("//", None)


def clean(text: str) -> str:
    """The text as it is kept: NFC, line feeds, no control characters, no ends of white space.

    More than two blank lines in a row become two. A text without any ink becomes "". NUL and lone
    surrogates are left in: the form refuses them, saying so.
    """
    text = _NEW_LINE.sub("\n", text)
    text = unicodedata.normalize("NFC", _UNWANTED.sub("", text))
    text = _MANY_NEW_LINES.sub("\n\n\n", text).strip()
    return "" if not _INVISIBLE.sub("", text) else text


def tag_name(word: str) -> str:
    """The one spelling of a tag: NFC and lower case."""
    return unicodedata.normalize("NFC", word.lower())


def tokens(text: str) -> Iterator[Token]:
    """The text cut into plain stretches, links, mentions (as user names) and tags (as tag names).

    Addresses are looked for in the first 30,000 characters.
    """
    start = 0
    searched = _TOO_LONG_A_WORD.sub(lambda word: " " * len(word[0]), text[:_SEARCHED])
    for link in _linkifier().match(searched) or ():
        yield from _names_and_tags(text, start, link.index)
        yield Token("link", link.raw, link.url)
        start = link.last_index
    yield from _names_and_tags(text, start, len(text))


def _names_and_tags(text: str, start: int, end: int) -> Iterator[Token]:
    for found in _NAME_OR_TAG.finditer(text, start, end):
        if found["tag"] and not any(c.isalpha() for c in found["tag"]):
            continue  # "#1" is a number
        yield Token("text", text[start : found.start()])
        if found["tag"]:
            name = tag_name(found["tag"])
            yield Token("tag", found[0], name) if len(name) <= TAG_LENGTH else Token("text", found[0])
        else:
            yield Token("mention", found[0], found["mention"].lower())
        start = found.end()
    yield Token("text", text[start:end])


def mentions(text: str) -> list[str]:
    """User names that the text mentions, whether or not there are such people: the first hundred."""
    return _targets(text, "mention", most=100)


def tags(text: str) -> list[str]:
    """Names of the tags in the text: the first fifty."""
    return _targets(text, "tag", most=50)


def _targets(text: str, kind: str, *, most: int) -> list[str]:
    return list(dict.fromkeys(token.target for token in tokens(text) if token.kind == kind))[:most]


def to_html(text: str, people: Container[str] = frozenset()) -> SafeString:
    """Paragraphs of escaped text in which addresses, tags and mentions of ``people`` are links."""
    html = "".join(_token_html(token, people) for token in tokens(text))
    paragraphs = re.split(r"\n{2,}", html)
    return mark_safe(  # noqa: S308 - every token was escaped
        "".join(f'<p dir="auto">{paragraph.replace("\n", "<br>")}</p>' for paragraph in paragraphs)
    )


def _token_html(token: Token, people: Container[str]) -> str:
    shown = escape(token.raw)
    if token.kind == "link":
        return f'<a href="{escape(token.target)}" rel="nofollow ugc noopener noreferrer">{shown}</a>'
    if token.kind == "tag":
        return f'<a href="/tag/{quote(token.target)}/" class="p-category" rel="tag">{shown}</a>'
    if token.kind == "mention" and token.target in people:
        return f'<a href="/{token.target}/" class="mention">{shown}</a>'
    return shown


def fold(text: str, *, words: int = FOLD_WORDS) -> tuple[str, bool]:
    """The beginning of the text that a list shows, and whether there is more of it."""
    end = len(text)
    for count, word in enumerate(re.finditer(r"\S+", text), start=1):
        if count == words:
            end = word.end()
            break
    if end > FOLD_CHARACTERS:
        end = FOLD_CHARACTERS
        # Not through the middle of a word (it may be an address), unless the word is most of the text.
        last_space = max(text.rfind(space, FOLD_CHARACTERS // 2, end) for space in " \n\t")
        end = last_space if last_space > 0 else end
    lines = [line.start() for line in re.finditer("\n", text[:end])]
    if len(lines) >= FOLD_LINES:
        end = lines[FOLD_LINES - 1]
    if end >= len(text):
        return text, False
    # A character and the marks that combine with it are not torn apart.
    while end < len(text) and (unicodedata.combining(text[end]) or text[end] in "\u200d\ufe0f"):
        end += 1
    return text[:end].rstrip(), True


def excerpt(text: str, *, words: int = 12, characters: int = 120) -> str:
    """The first words on one line, for naming a kwip: in titles and above its comments."""
    beginning, more = fold(text, words=words)
    line = " ".join(beginning.split())
    return line[:characters] + ("…" if more or len(line) > characters else "")

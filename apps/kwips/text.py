"""Renders text as HTML.

Text is stored as typed (`apps.plaintext.clean`). Rendering makes links of addresses, mentions and tags, and
escapes everything else, so there is no HTML to sanitise.
"""

import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from itertools import islice
from urllib.parse import quote

import regex
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe

from apps.kwips.links import UNSPACED, addresses, split
from apps.plaintext import boundary, safe, truncate

TAG_LENGTH = 50
EXCERPT_CHARACTERS = 120
# At most so many addresses, mentions and tags of one text become links.
LINKS = 500
# Longer addresses are displayed shortened, but with the whole host.
SHOWN_ADDRESS = 48
# In a text of more lines, a line has no element of its own.
OWN_LINES = 1_000

# With combining marks, which are the vowels of some scripts.
_WORD = r"\p{L}\p{N}\p{M}_"
_NAME = "A-Za-z0-9_Ａ-Ｚａ-ｚ０-９＿"
# The emoji "#️⃣" is no sign.
_KEYCAP = "\ufe0f?\u20e3"
# Each sign may follow a letter of a script without spaces, and "@" a full stop that follows no word. In the
# lookbehinds the last dot is the sign itself.
_NAME_OR_TAG = regex.compile(
    rf"[@＠](?:(?<![{_WORD}@＠.&].)|(?<=[{UNSPACED}].)|(?<=(?:^|[^{_WORD}])\..))"
    rf"(?P<mention>[{_NAME}]{{3,30}})(?![{_NAME}@＠]|[[{_WORD}]--[{UNSPACED}]])"
    rf"|[#＃](?:(?<![{_WORD}#＃&].)|(?<=[{UNSPACED}].))(?!{_KEYCAP})(?P<tag>[{_WORD}]{{1,{TAG_LENGTH}}}+)(?![{_WORD}])",
    regex.V1 | regex.DOTALL,
)
_SIGN = regex.compile("[@＠#＃]")
_HAN = regex.compile(r"\p{Han}")
# Letters of scripts that are written from right to left.
_RIGHT_TO_LEFT = regex.compile(r"[\p{bc=R}\p{bc=AL}]")
_BLANK_LINES = regex.compile(r"\n{2,}")


@dataclass(frozen=True, slots=True)
class Token:
    """A part of a text. ``kind`` is "text", "link", "mention" or "tag"; ``target`` its address or name."""

    kind: str
    raw: str
    target: str = ""


def tag_name(word: str) -> str:
    """The canonical spelling of a tag: NFKC, lower case, without what makes an emoji of a character."""
    plain = word.replace("\ufe0e", "").replace("\ufe0f", "")
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", plain).lower())


def tokens(text: str) -> Iterator[Token]:
    """Splits a text into plain text and its first `LINKS` links, mentions and tags."""
    end = 0
    for start, token in islice(special(text), LINKS):
        yield Token("text", text[end:start])
        yield token
        end = start + len(token.raw)
    yield Token("text", text[end:])


def special(text: str, addressed: str | None = None) -> Iterator[tuple[int, Token]]:
    """The links, mentions and tags of a text, and where they begin.

    ``addressed`` is what is searched for addresses instead: of the same length, or its beginning.
    """
    start = 0
    for address in addresses(text if addressed is None else addressed):
        yield from _names_and_tags(text, start, address.start)
        yield address.start, Token("link", text[address.start : address.end], address.target)
        start = address.end
    yield from _names_and_tags(text, start, len(text))


def _names_and_tags(text: str, start: int, end: int) -> Iterator[tuple[int, Token]]:
    last = -1
    for found in _NAME_OR_TAG.finditer(text, start, end):
        at = found.start()
        # "/#one" and "one/@two" are parts of addresses; "#one/#two" and "@one/@two" are two tokens.
        if text[at - 1 : at] == "/" and last != at - 1:
            continue
        if found["mention"]:
            name = unicodedata.normalize("NFKC", found["mention"]).lower()
            yield at, Token("mention", found[0], name)
        elif _is_tag(name := tag_name(found["tag"])):
            yield at, Token("tag", found[0], name)
        last = found.end()


def _is_tag(name: str) -> bool:
    """Whether a word has a letter ("#1" is a number), and two characters or a Han character."""
    is_word = len(name) >= 2 or _HAN.match(name) is not None
    return is_word and len(name) <= TAG_LENGTH and any(c.isalpha() for c in name)


def tags_and_mentions(text: str) -> tuple[list[str], list[str]]:
    """The names of the first fifty tags and of the first hundred mentions; they may not exist."""
    if not _SIGN.search(text):
        return [], []
    found: dict[str, dict[str, None]] = {"tag": {}, "mention": {}, "text": {}, "link": {}}
    for token in tokens(text):
        found[token.kind][token.target] = None
    return list(found["tag"])[:50], list(found["mention"])[:100]


def mentions(text: str) -> list[str]:
    return tags_and_mentions(text)[1]


def tags(text: str) -> list[str]:
    return tags_and_mentions(text)[0]


def to_html(text: str, people: Container[str] = frozenset()) -> SafeString:
    """Paragraphs of escaped text with links for addresses, tags and mentions of ``people``.

    The style sheet preserves spaces (`white-space`).
    """
    html = line_to_html(text, people)
    many = html.count("\n") > OWN_LINES
    return mark_safe("".join(paragraph(lines, many) for lines in _BLANK_LINES.split(html)))  # noqa: S308 - escaped


def line_to_html(line: str, people: Container[str] = frozenset()) -> SafeString:
    """A line of escaped text with the same links, without a paragraph around it."""
    html = "".join(token_html(token, people) for token in tokens(safe(line)))
    return mark_safe(html)  # noqa: S308 - every token was escaped


def paragraph(lines: str, many: bool) -> str:
    """A paragraph whose lines each have their own direction."""
    if "\n" not in lines or not _RIGHT_TO_LEFT.search(lines):
        return f'<p dir="auto">{lines.replace("\n", "<br>")}</p>'
    if many:
        # Chromium aligns such a line by the link that it begins with.
        return f'<p dir="auto" class="lines">{lines.replace("\n", "<br>")}</p>'
    return "<p>" + "<br>".join(f'<span dir="auto">{line}</span>' for line in lines.split("\n")) + "</p>"


def token_html(token: Token, people: Container[str]) -> str:
    # A `dir` attribute isolates the element from the direction of the text around it.
    if token.kind == "link":
        return _address_html(token)
    shown = escape(token.raw)
    if token.kind == "tag":
        return f'<a href="/tag/{quote(token.target)}/" class="p-category" rel="tag" dir="auto">{shown}</a>'
    if token.kind == "mention" and token.target in people:
        return f'<a href="/{token.target}/" class="mention" dir="ltr">{shown}</a>'
    if token.kind == "mention":
        return f'<bdi dir="ltr">{shown}</bdi>'
    return shown


def _address_html(token: Token) -> str:
    shown, host_end = _shown_address(token)
    end = boundary(shown, max(SHOWN_ADDRESS, host_end)) if len(shown) > SHOWN_ADDRESS + 10 else len(shown)
    words: str = escape(shown)
    if end < len(shown):
        # The style sheet hides the rest; copying includes it.
        words = (
            f'<span class="cut">{escape(shown[:end])}</span><span class="rest">{escape(shown[end:])}</span>'
        )
    title = f' title="{escape(token.raw)}"' if words != escape(token.raw) else ""
    rel = 'rel="nofollow ugc noopener noreferrer"'
    return f'<a href="{escape(token.target)}" {rel} dir="ltr"{title}>{words}</a>'


def _shown_address(token: Token) -> tuple[str, int]:
    """The displayed address, and the end of its host in it.

    "http://good.com@evil.com/" is displayed without the user name: it leads to evil.com.
    """
    shown = token.raw
    parts = split(token.target)
    if parts is None or parts.scheme.lower() == "mailto":
        return unicodedata.normalize("NFC", shown), 0
    if "@" in parts.netloc:
        begin = shown.index("://") + 3
        shown = shown[:begin] + shown[shown.index("@", begin) + 1 :]
    host = parts.netloc.rpartition("@")[2]
    end = shown.find(host) + len(host)
    return unicodedata.normalize("NFC", shown), len(unicodedata.normalize("NFC", shown[:end]))


def excerpt(text: str, *, words: int = 12, characters: int = EXCERPT_CHARACTERS) -> str:
    """The first words on one line, for titles and quotes."""
    found = regex.finditer(r"\S+", safe(text))
    line = " ".join([word[0] for word in islice(found, words)])
    # Only the beginning of a longer text ends with a space: stored texts do not.
    has_more = next(found, None) is not None or text[-1:].isspace()
    return line + "…" if has_more and len(line) < characters else truncate(line, characters)

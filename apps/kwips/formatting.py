"""Quiet formatting: quotes, lists, code and emphasis, by the marks that people type anyway.

    > a quote        - a list, 1. a numbered one        `code`, ``` lines of it ```        *so*, **so!**

The text stays what is stored, and reads well without this. markdown-it-py finds the structure. It is switched
on rule by rule: no HTML, no headings, pictures or tables, no links whose words hide their address; addresses,
mentions and tags are those of `text`, and none within code. Each line break is one.

It differs from Markdown where plain texts would change: a quote or a list ends with its last marked line; "_"
is no mark, since names have it; "*" is none inside a word, but for scripts without spaces, nor behind a
"\\", which stays.
"""

import re
from collections import deque
from collections.abc import Container, Iterator, Sequence
from functools import cache
from itertools import islice
from typing import NamedTuple

import regex
from django.utils.html import escape
from django.utils.safestring import SafeString, mark_safe
from markdown_it import MarkdownIt
from markdown_it.rules_block import StateBlock, blockquote, list_block, make_fence_rule
from markdown_it.rules_core import StateCore
from markdown_it.rules_inline import StateInline
from markdown_it.rules_inline.state_inline import Delimiter
from markdown_it.token import Token

from apps.kwips import text as kwip_text
from apps.kwips.links import SEARCHED, UNSPACED
from apps.kwips.text import EXCERPT_CHARACTERS
from apps.plaintext import safe

# Quotes and lists within each other: deeper ones stay as they are typed. A list has two levels.
DEEPEST = 8
# A text with more marks or lines is shown as it is typed: it is no prose, and takes long.
MOST_MARKS, MOST_LINES = 5_000, 3_000

# Whether a text may have any of it: most have not, and are shown as plain texts are.
_ANY = re.compile(r"[*`]|^[ \t]*(?:[>+-]|\d{1,3}[.)][ \t])", re.MULTILINE)
_MARKS = re.compile(r"[*`]|^[ \t]*(?:[>+-]|\d{1,3}[.)][ \t])[> \t+-]*", re.MULTILINE)
_NEXT = re.compile(r"[*`\n]")
_LETTER = regex.compile(rf"[[\p{{L}}\p{{N}}\p{{M}}_]--[{UNSPACED}]]", regex.V1)
# What ends an address besides what `links` knows: a backtick, and stars at the end of a word.
_AFTER_ADDRESS = re.compile(r"`|(?<!\*)\*++(?=[\s.,:;!?)\"']|\Z)")
_LONG_NUMBER = re.compile(r"\d{4}")

_TAGS = {
    "em": "em", "strong": "strong", "blockquote": "blockquote", "bullet_list": "ul", "ordered_list": "ol",
    "list_item": "li",
}  # fmt: skip


def is_formatted(text: str) -> bool:
    """Whether a text that may be formatted has anything of it."""
    if not _ANY.search(text) or text.count("\n") > MOST_LINES:
        return False
    return sum(len(found[0]) for found in islice(_MARKS.finditer(text), MOST_MARKS)) < MOST_MARKS


def begins_block(line: str) -> bool:
    """Whether a line is not only words: a quote, an item, or the fence of code."""
    return is_formatted(line) and not _parsed(line)[0].type.startswith("paragraph")


def to_html(text: str, people: Container[str] = frozenset()) -> SafeString:
    """As `text.to_html`, with quotes, lists, code and emphasis."""
    if not is_formatted(text):
        return kwip_text.to_html(text, people)
    source = safe(text)
    html = "".join(_blocks(_parsed(source), people, source.count("\n") > kwip_text.OWN_LINES))
    return mark_safe(html)  # noqa: S308 - every token is escaped, every tag is one of these


def line_to_html(line: str, people: Container[str] = frozenset()) -> SafeString:
    """A line with its code and emphasis, without an element around it."""
    if not is_formatted(line):
        return kwip_text.line_to_html(line, people)
    found = [token for token in _parsed(safe(line)) if token.type == "inline"]
    html = " ".join(_inline(token.children or (), people)[0] for token in found)
    return mark_safe(html)  # noqa: S308 - every token is escaped


def plain(text: str) -> str:
    """The words without the marks, for where nothing is formatted: titles, quotes, mail."""
    if not is_formatted(text):
        return text
    lines: list[str] = []
    item = ""  # the mark of a list's item stays: words in a row are no list
    for token in _parsed(text):
        if token.type == "list_item_open":
            item = f"{token.info}{token.markup} "
        elif token.type == "inline":
            lines.append(item + "".join(_words(child) for child in token.children or ()))
            item = ""
        elif token.type == "fence":
            lines.append(token.content.rstrip())
    return "\n".join(lines)


def excerpt(text: str, *, formatted: bool, words: int = 12, characters: int = EXCERPT_CHARACTERS) -> str:
    """As `text.excerpt`, without the marks if the text is ``formatted``."""
    return kwip_text.excerpt(plain(text) if formatted else text, words=words, characters=characters)


def tags_and_mentions(text: str, *, formatted: bool) -> tuple[list[str], list[str]]:
    """As `text.tags_and_mentions`; code has none."""
    return kwip_text.tags_and_mentions(without_code(text) if formatted else text)


def without_code(text: str) -> str:
    """A text with a space for each piece of code."""
    if "`" not in text or not is_formatted(text):
        return text
    paragraphs = [token.children or () for token in _parsed(text) if token.type == "inline"]
    return "\n".join("".join(_words(token, code=" ") for token in tokens) for tokens in paragraphs)


def _words(token: Token, code: str | None = None) -> str:
    if token.type == "softbreak":
        return "\n"
    return code if code is not None and token.type == "code_inline" else token.content


def _parsed(text: str) -> list[Token]:
    return _parser().parse(text)


def _blocks(tokens: Sequence[Token], people: Container[str], many: bool) -> Iterator[str]:
    is_bare = False
    for token in tokens:
        name = token.type.removesuffix("_open").removesuffix("_close")
        if name == "paragraph":
            is_bare = token.hidden  # in the item of a list without empty lines
        elif token.type == "inline":
            html, is_marked = _inline(token.children or (), people)
            # An element of a line's own may not begin within an emphasis.
            yield html.replace("\n", "<br>") if is_bare else kwip_text.paragraph(html, many or is_marked)
        elif token.type == "fence":
            yield f'<pre dir="ltr"><code>{escape(token.content)}</code></pre>'
        elif token.type == "list_item_open":
            # Its number is the one that was typed.
            yield f'<li dir="auto" value="{int(token.info)}">' if token.info else '<li dir="auto">'
        elif name in _TAGS:
            yield f"<{_TAGS[name]}>" if token.nesting > 0 else f"</{_TAGS[name]}>"


def _inline(tokens: Sequence[Token], people: Container[str]) -> tuple[str, bool]:
    """The HTML of a paragraph's tokens, with line feeds, and whether an emphasis is in it."""
    html: list[str] = []
    is_marked = False
    for token in tokens:
        if token.type == "softbreak":
            html.append("\n")
        elif token.type == "code_inline":
            html.append(f'<code dir="ltr">{escape(token.content)}</code>')
        elif token.type == "named":
            html.append(kwip_text.token_html(token.meta["token"], people))
        elif token.nesting:
            is_marked = True
            tag = _TAGS[token.tag]
            html.append(f"<{tag}>" if token.nesting > 0 else f"</{tag}>")
        else:
            html.append(escape(token.content))
    return "".join(html), is_marked


class _Named(NamedTuple):
    """What is left of the addresses, mentions and tags of a paragraph, in their order."""

    found: deque[tuple[int, kwip_text.Token]]

    def beyond(self, position: int) -> tuple[int, kwip_text.Token] | None:
        """The first that does not begin before a position: those within code are passed over."""
        while self.found and self.found[0][0] < position:
            self.found.popleft()
        return self.found[0] if self.found else None


def _inlines(state: StateCore) -> None:
    """Parses each paragraph. Addresses are searched and tokens are links as far as in a plain text."""
    left, searched = kwip_text.LINKS, SEARCHED
    lines = state.src.split("\n")
    for token in state.tokens:
        if token.type != "inline":
            continue
        if token.level == 1 and token.map is not None:  # outside lists and quotes: its indentation stays
            first = lines[token.map[0]]
            token.content = first[: len(first) - len(first.lstrip(" \t"))] + token.content
        content = token.content
        addressed = _AFTER_ADDRESS.sub(lambda end: " " * len(end[0]), content[:searched])
        found = deque(islice(kwip_text.special(content, addressed), left))
        searched -= len(addressed)
        token.children = []
        state.md.inline.parse(content, state.md, {"named": _Named(found)}, token.children)
        left -= sum(child.type == "named" for child in token.children)


def _text(state: StateInline, silent: bool) -> bool:
    """Words up to the next mark, address, mention or tag; or one of these."""
    named: _Named = state.env["named"]
    position = state.pos
    following = named.beyond(position)
    if following is not None and following[0] == position:
        token = state.push("named", "", 0)
        token.content, token.meta = following[1].raw, {"token": following[1]}
        state.pos += len(following[1].raw)
        return True
    mark = _NEXT.search(state.src, position)
    end = min(mark.start() if mark else state.posMax, following[0] if following else state.posMax)
    if end == position:
        return False
    state.append_pending(state.src[position:end])
    state.pos = end
    return True


def _newline(state: StateInline, silent: bool) -> bool:
    """A line break, which keeps the spaces around it."""
    if state.src[state.pos] != "\n":
        return False
    state.push("softbreak", "br", 0)
    state.pos += 1
    return True


def _star(state: StateInline, silent: bool) -> bool:
    """Stars that may begin an emphasis before what is no space, and end one behind it; not inside a word."""
    source, start = state.src, state.pos
    if source[start] != "*":
        return False
    end = start
    while end < state.posMax and source[end] == "*":
        end += 1
    before, after = source[start - 1] if start else " ", source[end : end + 1] or " "
    is_kiss = end == start + 1 and before in ":;-"
    can_open = not after.isspace() and not _LETTER.match(before) and not is_kiss
    can_close = not before.isspace() and not _LETTER.match(after)
    if end - start > 3 or before == "\\" or not (can_open or can_close):
        state.append_pending(source[start:end])
    else:
        for _ in range(end - start):
            token = state.push("text", "", 0)
            token.content = "*"
            place = len(state.tokens) - 1
            state.delimiters.append(Delimiter(ord("*"), end - start, place, -1, can_open, can_close))
    state.pos = end
    return True


def _quote(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    return state.level < DEEPEST and blockquote(state, start, end, silent)


def _list(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Not "2026. What a year": a number of four digits is no place in a list."""
    if state.level >= DEEPEST or _LONG_NUMBER.match(state.src, state.bMarks[start] + state.tShift[start]):
        return False
    return list_block(state, start, end, silent)


def _unmarked(state: StateBlock, start: int, end: int, silent: bool) -> bool:
    """Ends a quote before a line without its mark, and a list's item before a line that is not indented."""
    if not silent:
        return False
    return state.parentType == "blockquote" or state.sCount[start] < state.blkIndent


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("zero", {"maxNesting": DEEPEST + 12})
    block, inline = parser.block.ruler, parser.inline.ruler
    block.at("fence", make_fence_rule(markers=("`",)), {"alt": ["paragraph", "blockquote", "list"]})
    block.at("blockquote", _quote, {"alt": ["paragraph", "blockquote", "list"]})
    block.at("list", _list, {"alt": ["paragraph", "blockquote"]})
    block.before("paragraph", "unmarked", _unmarked, {"alt": ["paragraph", "blockquote"]})
    inline.at("text", _text)
    inline.at("newline", _newline)
    inline.at("emphasis", _star)
    block.enableOnly(["fence", "blockquote", "list", "unmarked", "paragraph"])
    inline.enableOnly(["text", "newline", "backticks", "emphasis"])
    parser.inline.ruler2.enableOnly(["balance_pairs", "emphasis", "fragments_join"])
    parser.core.ruler.at("inline", _inlines)
    parser.core.ruler.enableOnly(["block", "inline"])
    return parser

"""The words of HTML, for mails that have no plain text. Quotes begin with ``>``, as in plain text."""

import re
from html.parser import HTMLParser

_BLOCKS = frozenset((
    "address", "article", "blockquote", "center", "dd", "div", "dl", "dt", "fieldset", "figure", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "li", "main", "nav", "ol", "p", "pre",
    "section", "table", "tr", "ul",
))  # fmt: skip
_APART = frozenset(("p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "pre", "table"))
_HIDDEN = frozenset(("head", "script", "style", "template", "title", "noscript", "svg", "object"))
_SPACE = re.compile(r"[ \t\n\r\f]+")
# Where mail programs put what they quote: everything from there on.
_QUOTED = re.compile(
    r"\b(gmail_quote|yahoo_quoted|moz-cite-prefix|protonmail_quote|divRplyFwdMsg|appendonsend)"
)
_MOST_DEPTH = 20
# The parser of Python's library takes the square of the length for an unclosed tag or comment.
_LONGEST_TAG = 20_000


class _Reader(HTMLParser):
    """Collects lines of words. Each tag takes constant time."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.lines: list[list[str]] = [[]]
        self.prefixes = [""]
        self.hidden = ""  # the outermost tag whose contents are not shown
        self.quotes = 0
        self.preformatted = 0
        self.is_over = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if any(name in {"class", "id"} and _QUOTED.search(value or "") for name, value in attrs):
            self.is_over = True
        if tag in _HIDDEN:
            self.hidden = self.hidden or tag
        elif tag == "body":
            self.hidden = ""
        if tag == "blockquote":
            self.quotes = min(self.quotes + 1, _MOST_DEPTH)
        self.preformatted += tag == "pre"
        if tag == "br":
            self.break_line(always=True)
        elif tag in _BLOCKS:
            self.break_line(apart=tag in _APART)
        if tag == "li":
            self.add("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag == self.hidden:
            self.hidden = ""
        if tag == "blockquote":
            self.quotes = max(self.quotes - 1, 0)
        if tag == "pre":
            self.preformatted = max(self.preformatted - 1, 0)
        if tag in _BLOCKS:
            self.break_line(apart=tag in _APART)

    def handle_data(self, data: str) -> None:
        if self.hidden:
            return
        if self.preformatted:
            for number, line in enumerate(data.split("\n")):
                if number:
                    self.break_line(always=True)
                self.add(line)
            return
        self.add(_SPACE.sub(" ", data))

    def add(self, text: str) -> None:
        if self.is_over:
            return
        if not self.lines[-1]:
            text = text if self.preformatted else text.lstrip(" ")
            self.prefixes[-1] = ">" * self.quotes + " " * bool(self.quotes)
        if text:
            self.lines[-1].append(text)

    def break_line(self, *, always: bool = False, apart: bool = False) -> None:
        """A new line, unless one has just begun; ``apart``: after an empty one."""
        if self.is_over:
            return
        if self.lines[-1] or always:
            self.begin()
        if apart and len(self.lines) > 1 and self.lines[-2]:
            self.begin()

    def begin(self) -> None:
        self.lines.append([])
        self.prefixes.append("")


def as_text(html: str) -> str:
    reader = _Reader()
    for piece in _pieces(html):
        reader.feed(piece)
        if reader.is_over:
            break
        if len(reader.rawdata) > _LONGEST_TAG:
            reader.rawdata = ""
    reader.close()
    lines = zip(reader.prefixes, reader.lines, strict=True)
    text = "\n".join((prefix + "".join(words)).rstrip() for prefix, words in lines)
    return text.replace("\N{NO-BREAK SPACE}", " ").strip("\n")


def _pieces(html: str, size: int = 4_000) -> list[str]:
    return [html[start : start + size] for start in range(0, len(html), size)]

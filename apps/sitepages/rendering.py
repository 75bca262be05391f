"""Text as HTML: paragraphs, headings and lists. Everything is escaped, so there is no HTML to sanitise."""

import re
from itertools import groupby

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.kwips.text import to_html
from apps.plaintext import safe

_BLANK_LINES = re.compile(r"\n[^\S\n]*\n\s*")
_ITEM, _HEADING = "- ", "# "


def page_html(text: str) -> SafeString:
    """The text as HTML. A line that begins with "# " is a heading, lines that begin with "- " are a list."""
    blocks = _BLANK_LINES.split(text)
    # Each part is the result of `format_html` or `to_html`.
    return mark_safe("".join(_lines(kind, list(lines)) for block in blocks for kind, lines in _split(block)))  # noqa: S308


def _split(block: str) -> groupby:
    return groupby(block.splitlines(), key=_kind)


def _kind(line: str) -> str:
    return next((mark for mark in (_HEADING, _ITEM) if line.startswith(mark)), "")


def _lines(kind: str, lines: list[str]) -> SafeString:
    if kind == _HEADING:
        return format_html_join("", '<h2 dir="auto">{}</h2>', ((safe(line[2:]),) for line in lines))
    if kind == _ITEM:
        items = format_html_join("", "<li>{}</li>", ((to_html(line[2:]),) for line in lines))
        return format_html("<ul>{}</ul>", items)
    return to_html("\n".join(lines))

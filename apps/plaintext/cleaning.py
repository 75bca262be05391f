"""Normalizing text on input, and making it safe for output."""

import re
import unicodedata

# Unicode noncharacters: U+FDD0 to U+FDEF and the last two code points of each plane. U+FFFE and U+FFFF make
# an XML 1.0 document invalid.
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)

# Control characters except tab and line feed, and bidirectional embeddings, overrides and isolates, which can
# make a link look like another one (the markup sets the direction). Emoji and some scripts need joiners.
_UNWANTED = re.compile(
    "[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff"
    + _NONCHARACTERS
    + "]"
)
# Word processors write U+000B for a line break, U+000C for a page break.
_NEW_LINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_MANY_NEW_LINES = re.compile("\n(?:[^\\S\n]*\n){3,}")
_BLANK_LINES_BEFORE = re.compile("\\A(?:[^\\S\n]*\n)+")
# Invisible characters: a text of these alone is empty.
_INVISIBLE = re.compile("[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]+")  # fmt: skip  # noqa: E501
_WORD = re.compile(r"\S+|\s+")
# Matches words with a URL, which are not normalized: the path may name a file in decomposed form (macOS).
_URL = re.compile(r"://|\w\.[^\W\d]+/")

# Characters that XML 1.0 forbids, and control characters that HTML forbids.
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff" + _NONCHARACTERS + "]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"

_NO_BREAK = "\N{NO-BREAK SPACE}"
_TAB = _NO_BREAK * 4
_AT_START = re.compile(r'(^|<br>|<(?:p|span) dir="auto"[^>]*>)( +)')
_RUN = re.compile(" {2,}")


def clean(text: str) -> str:
    """Normalizes a text for storage: NFC except URLs, line feeds, no control characters, no noncharacters.

    Removes leading blank lines and trailing white space, and reduces runs of blank lines to two. Keeps the
    first line's indentation if there are more lines. Returns "" for an invisible text. Leaves NUL and lone
    surrogates, for which forms report an error.
    """
    text = _normalized(_UNWANTED.sub("", _NEW_LINE.sub("\n", text)))
    text = _BLANK_LINES_BEFORE.sub("", _MANY_NEW_LINES.sub("\n\n\n", text)).rstrip()
    if "\n" not in text:
        text = text.lstrip()
    return "" if not _INVISIBLE.sub("", text) else text


def clean_line(text: str) -> str:
    """Normalizes a text of one line: a name, a subject."""
    return " ".join(clean(text).split())


def safe(text: str) -> str:
    """Replaces characters that are invalid in XML or HTML by U+FFFD."""
    return _UNSAFE.sub(_REPLACEMENT, text)


def preserve_spaces(html: str) -> str:
    """Replaces indentation, runs of spaces and tabs by no-break spaces, for HTML without a style sheet.

    Lines must begin with ``<br>``, ``<p dir="auto">`` or ``<span dir="auto">``; tags contain single spaces.
    """
    html = html.replace("\t", _TAB)
    html = _AT_START.sub(lambda found: found[1] + _NO_BREAK * len(found[2]), html)
    return _RUN.sub(lambda run: _NO_BREAK * (len(run[0]) - 1) + " ", html)


def _normalized(text: str) -> str:
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return _WORD.sub(
        lambda word: word[0] if _URL.search(word[0]) else unicodedata.normalize("NFC", word[0]),
        text,
    )

"""Which characters are kept, and in which form."""

import re
import unicodedata

# Code points that Unicode never assigns to characters: U+FDD0 to U+FDEF and the last two of each plane.
# XML 1.0 forbids U+FFFE and U+FFFF: with one of them a document cannot be read at all.
_NONCHARACTERS = "\ufdd0-\ufdef" + "".join(
    f"{chr(plane + 0xFFFE)}{chr(plane + 0xFFFF)}" for plane in range(0, 0x110000, 0x10000)
)

# Control characters but for the tab and the line feed; line and paragraph separators become line feeds.
# The bidirectional embeddings, overrides and isolates go too: with them a link can be written to read as
# another one. Direction comes from the markup instead. Joiners stay: emoji and whole scripts need them.
_UNWANTED = re.compile(
    "[\x01-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\u202a-\u202e\u2066-\u2069\ufff9-\ufffb\ufeff"
    + _NONCHARACTERS
    + "]"
)
# U+000B is what word processors write for a line break within a paragraph, U+000C for a page break.
_NEW_LINE = re.compile("\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_MANY_NEW_LINES = re.compile("\n(?:[^\\S\n]*\n){3,}")
_BLANK_LINES_BEFORE = re.compile("\\A(?:[^\\S\n]*\n)+")
# Characters that take no ink: a text of nothing else is empty.
_INVISIBLE = re.compile("[\\s\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\uffa0\U000e0000-\U000e0fff]+")  # fmt: skip  # noqa: E501
_WORD = re.compile(r"\S+|\s+")
# What an address has in it. Its path may name a file in another form than NFC: macOS decomposes names.
# Composed, the address would lead elsewhere.
_OF_ADDRESSES = re.compile(r"://|\w\.[^\W\d]+/")

# Everything that XML 1.0 forbids, and the controls that HTML calls errors.
_UNSAFE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff" + _NONCHARACTERS + "]")
_REPLACEMENT = "\N{REPLACEMENT CHARACTER}"


def clean(text: str) -> str:
    """The text as it is kept: NFC but for addresses, line feeds, no controls, no noncharacters.

    Blank lines at its beginning and white space at its end go; more than two blank lines in a row become
    two. The indentation of the first line stays where there is a second one. A text without any ink becomes
    "". NUL and lone surrogates are left in: forms refuse them, saying so.
    """
    text = _composed(_UNWANTED.sub("", _NEW_LINE.sub("\n", text)))
    text = _BLANK_LINES_BEFORE.sub("", _MANY_NEW_LINES.sub("\n\n\n", text)).rstrip()
    if "\n" not in text:
        text = text.lstrip()
    return "" if not _INVISIBLE.sub("", text) else text


def clean_line(text: str) -> str:
    """What is kept of a text that has one line: a name, a subject."""
    return " ".join(clean(text).split())


def safe(text: str) -> str:
    """The text with U+FFFD for each character that would break a document."""
    return _UNSAFE.sub(_REPLACEMENT, text)


def _composed(text: str) -> str:
    if text.isascii() or unicodedata.is_normalized("NFC", text):
        return text
    return _WORD.sub(
        lambda word: word[0] if _OF_ADDRESSES.search(word[0]) else unicodedata.normalize("NFC", word[0]),
        text,
    )

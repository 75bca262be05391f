"""Finds web and mail addresses in text: linkify-it, with what its options lack.

It has no option for scripts without spaces, for typographic marks, or for names that only look like
addresses. So it searches a copy of the text, of the same length, in which all that ends an address is a
space, and the addresses that it finds are checked.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from urllib.parse import SplitResult, urlsplit

import regex
from linkify_it import LinkifyIt
from publicsuffixlist import PublicSuffixList

# Longer words are not searched: linkify-it takes quadratic time for some (12 s for 100,000 characters of
# "http://a.com/&http://a.com/&…").
_TOO_LONG = regex.compile(r"\S{1001,}")
# Later text is not searched: hostile text takes half a second for 100,000 characters, and a conversation has
# twenty comments on a page.
SEARCHED = 30_000

# Letters of scripts that are written without spaces, or with particles right behind a word.
UNSPACED = (
    r"\p{Han}\p{Hiragana}\p{Katakana}ー\p{Hangul}\p{Bopomofo}\p{Thai}\p{Lao}\p{Khmer}\p{Myanmar}\p{Tibetan}"
)

# Within words: the Hebrew geresh and gershayim, the Tibetan dot between syllables.
_OF_WORDS = "\u05f3\u05f4\u0f0b"


def _marks() -> str:
    """The marks that end an address, for a set: quotes, brackets, the em dash, punctuation of other scripts
    than Latin, and the backslash, which browsers read as "/". linkify-it handles ASCII.
    """
    marks = ["\\", "—", "―", "〜"]
    for point in range(0x80, 0x20000):
        category, is_wide = unicodedata.category(chr(point)), 0xFF01 <= point <= 0xFF65
        is_end = category in ("Pi", "Pf", "Ps", "Pe") or (category == "Po" and point >= 0x300)
        if (is_end or (is_wide and category[0] in "PS")) and chr(point) not in _OF_WORDS:
            marks.append(chr(point))
    return "".join(map(regex.escape, marks))


# Every address has one of these: a scheme, or a dot with a name before and behind it. Few texts have one, and
# linkify-it takes fifty times as long to find that out.
_SIGN = re.compile(r"://|mailto:|\.(?<=\S\.)\w", re.IGNORECASE)

_SPACED = rf"[\p{{L}}--[{UNSPACED}]]"
# A path may have two marks: "（IPv6編）" after a letter of its script, and an apostrophe.
_MARK = regex.compile(
    rf"(?<=[{UNSPACED}])（[\w\-]++）(*SKIP)(*FAIL)|(?<={_SPACED})’(?={_SPACED})(*SKIP)(*FAIL)|[{_marks()}]",
    regex.V1,
)
_BEFORE_SCHEME = regex.compile(rf"[{UNSPACED}](?=https?://|mailto:)", regex.IGNORECASE)
# Before a bare name or a mail address, but not inside an address.
_BEFORE_NAME = regex.compile(
    rf"(?:https?://|www\.)\S*+(*SKIP)(*FAIL)"
    rf"|[{UNSPACED}](?=(?:[a-z0-9-]{{1,63}}\.){{1,9}}[a-z]{{2,63}}|[a-z0-9._+-]{{1,64}}@[a-z0-9-])",
    regex.IGNORECASE,
)

# Top-level domains that are more often file extensions; not ".pl" and ".in", which are common.
_FILE_ENDINGS = frozenset({
    "bz", "cab", "cc", "cf", "cu", "dot", "gd", "gs", "inc", "map", "md", "mk", "ml", "mm", "mo", "mov", "pm",
    "properties", "ps", "py", "rs", "sh", "so", "srt", "tf", "zip",
})  # fmt: skip
_TRAILING = ".,:;!?"
_BEHIND_HOST = regex.compile("[:?#]")


@dataclass(frozen=True, slots=True)
class Address:
    """An address in a text: its position, and the target of its link."""

    start: int
    end: int
    target: str


def addresses(text: str) -> Iterator[Address]:
    """The addresses in the first `SEARCHED` characters, in order."""
    return _found(text) if _SIGN.search(text, 0, SEARCHED) else iter(())


def _found(text: str) -> Iterator[Address]:
    searched = _MARK.sub(" ", text[:SEARCHED])
    if not searched.isascii():
        searched = _BEFORE_NAME.sub(" ", _BEFORE_SCHEME.sub(" ", searched))
    searched = _TOO_LONG.sub(lambda word: " " * len(word[0]), searched)
    for found in _finder().match(searched) or ():
        raw = found.raw.rstrip(_TRAILING)
        target = _target(found.schema, raw)
        if target:
            yield Address(found.index, found.index + len(raw), target)


def split(address: str) -> SplitResult | None:
    """The parts of an address, or None if it is malformed."""
    try:
        parts = urlsplit(address)
        parts.port  # noqa: B018 - raises for an invalid port
    except ValueError:
        return None
    return parts


def _target(schema: str, raw: str) -> str:
    """The target, or "" for other text. It is not normalised: another path is another page."""
    if schema in ("http:", "https:"):
        return raw if split(raw) else ""
    if schema == "mailto:":
        address = raw if raw[:7].lower() == "mailto:" else f"mailto:{raw}"
        return address if _suffix(address.rpartition("@")[2]) else ""
    return f"https://{raw}" if _is_site(raw) and split(f"https://{raw}") else ""


def _is_site(bare: str) -> bool:
    """Whether a name without a scheme is a site: not a file name, a suffix, or the ends of two sentences."""
    host, slash, path = bare.partition("/")
    host = _BEHIND_HOST.split(host, maxsplit=1)[0]
    suffix = _suffix(host)
    if not suffix or suffix == host.lower():
        return False
    if host[:4].lower() == "www.":
        return True
    ending = host.rpartition(".")[2]
    # Phones capitalise sentences: "no.Then" is two of them.
    if ending[0].isupper() and ending[1:].islower():
        return False
    return bool(slash and path) or ending.lower() not in _FILE_ENDINGS


def _suffix(host: str) -> str:
    """The public suffix of a name ("com", "co.uk"), or ""."""
    return _suffixes().publicsuffix(host.lower()) or ""


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList(accept_unknown=False, only_icann=True)


@cache
def _finder() -> LinkifyIt:
    finder = LinkifyIt(options={"fuzzy_link": True, "fuzzy_email": True, "fuzzy_ip": False})
    finder.add("ftp:", None).add("//", None)
    # Any top-level domain: `_suffix` looks it up, which is faster than a pattern of 1,500.
    return finder.tlds([f"{finder.re['src_pseudo_letter']}{{2,63}}"])

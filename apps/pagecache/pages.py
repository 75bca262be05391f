"""A page as it is kept, and as it is answered with."""

import gzip
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b

from django.utils.http import parse_http_date_safe

type Headers = list[tuple[str, str]]

# The edge may answer with it for a second, and browsers ask each time (and are mostly told: as you have it).
CACHE_CONTROL = "public, max-age=0, s-maxage=1"
# A page that is larger than this, compressed, is not kept.
LARGEST = 256 * 1024
# What a page may not hold: it is somebody's.
TOKENS = (b"csrfmiddlewaretoken",)
# What is said anew with each answer, or of one request alone.
_NOT_KEPT = frozenset({
    "cache-control", "connection", "content-encoding", "content-length", "date", "etag", "server-timing",
    "vary", "x-request-id",
})  # fmt: skip
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Answer:
    """What Django answered: ``status`` as in "200 OK", and the whole body."""

    status: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """A page that everyone may see: its headers, its body compressed, and the time at which it is over."""

    headers: Headers
    etag: str
    zipped: bytes
    until: float

    def encoded(self) -> bytes:
        head = json.dumps([self.etag, self.headers, self.until], separators=(",", ":")).encode()
        return _LENGTH.pack(len(head)) + head + self.zipped

    @classmethod
    def decoded(cls, kept: bytes) -> "Page":
        end = _LENGTH.size + _LENGTH.unpack_from(kept)[0]
        etag, headers, until = json.loads(kept[_LENGTH.size : end])
        return cls([(name, value) for name, value in headers], etag, kept[end:], until)


def page(answer: Answer, *, until: float) -> Page | None:
    """The page in Django's answer; None for an answer that is not for everyone.

    That is anything but a whole page (200), and a page with a cookie, a token or a nonce.
    """
    names = {name.lower(): value for name, value in answer.headers}
    if not answer.status.startswith("200 ") or "set-cookie" in names:
        return None
    if "'nonce-" in names.get("content-security-policy", "") or any(token in answer.body for token in TOKENS):
        return None
    if _varies(names.get("vary", "")) or "content-encoding" in names:
        return None
    headers = [(name, value) for name, value in answer.headers if name.lower() not in _NOT_KEPT]
    etag = blake2b(answer.body, digest_size=12).hexdigest()
    return Page(headers, etag, gzip.compress(answer.body, 6, mtime=0), until)


def _varies(vary: str) -> bool:
    """Whether it differs by more than what the request that it was made for did not have."""
    return not {name.strip().lower() for name in vary.split(",")} <= {"", "cookie", "accept-encoding"}


def answer(page: Page, *, accept: str, none_match: str, told: str, modified_since: str = "") -> Answer:
    """``page`` for one request, by what it accepts and has already; ``told`` is its `Cache-Status`.

    `If-None-Match` decides alone where it is sent (RFC 9110, 13.2.2): two pages of one second have the same
    `Last-Modified`.
    """
    zipped = accepts_gzip(accept)
    etag = f'"{page.etag}-gzip"' if zipped else f'"{page.etag}"'
    headers = [
        ("Cache-Control", CACHE_CONTROL),
        ("Vary", "Accept-Encoding"),
        ("ETag", etag),
        ("Cache-Status", told),
    ]
    if _matches(none_match, etag) if none_match else is_unmodified(page.headers, modified_since):
        return Answer("304 Not Modified", headers, b"")
    body = page.zipped if zipped else gzip.decompress(page.zipped)
    if zipped:
        headers.append(("Content-Encoding", "gzip"))
    return Answer("200 OK", [*page.headers, *headers, ("Content-Length", str(len(body)))], body)


def is_unmodified(headers: Iterable[tuple[str, str]], modified_since: str) -> bool:
    """Whether `If-Modified-Since` names the very time of `Last-Modified`.

    Not a later one, as nginx has it too: where the newest entry was deleted, the time of the page goes back.
    """
    if not modified_since:
        return False
    last = next((value for name, value in headers if name.lower() == "last-modified"), "")
    when = parse_http_date_safe(modified_since)
    return when is not None and when == parse_http_date_safe(last)


def accepts_gzip(accept: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip (RFC 9110, 12.5.3)."""
    if accept in ("gzip", "gzip, deflate, br", "gzip, deflate, br, zstd"):
        return True
    star = False
    for part in accept.lower().split(","):
        name, _, quality = part.partition(";")
        allowed = quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        if name.strip() in ("gzip", "x-gzip"):
            return allowed
        if name.strip() == "*":
            star = allowed
    return star


def _matches(none_match: str, etag: str) -> bool:
    """Weak comparison, as RFC 9110 (13.1.2) has it."""
    return none_match.strip() == "*" or etag in _tags(none_match)


def _tags(header: str) -> Iterable[str]:
    return (tag.strip().removeprefix("W/") for tag in header.split(","))

"""Django's response, and a page: the part of it that can be stored and sent to every anonymous visitor."""

import gzip
import json
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from hashlib import blake2b
from typing import Self

from django.utils.http import parse_http_date_safe

type Headers = list[tuple[str, str]]

# nginx may serve the page for a second; browsers revalidate each time, mostly with a 304.
CACHE_CONTROL = "public, max-age=0, s-maxage=1"
# For nginx alone, which removes it: this response replaces an expired page, see deploy/edge/cache.conf.
# First, because nginx before 1.23 does not look at it after a `Cache-Control` that forbids storing.
REPLACES_PAGE = ("X-Accel-Expires", "1")
_NO_PAGE = ("301 ", "302 ", "404 ", "410 ")
# A larger page, compressed, is not stored.
MAX_PAGE_BYTES = 256 * 1024
# A body with one of these belongs to one visitor.
PRIVATE_MARKS = (b"csrfmiddlewaretoken",)
# Not stored: set for each response, or about a single request.
_UNSTORED_HEADERS = frozenset({
    "cache-control", "connection", "content-encoding", "content-length", "date", "etag", "server-timing",
    "vary", "x-request-id",
})  # fmt: skip
_LENGTH = struct.Struct(">I")


@dataclass(frozen=True, slots=True)
class Response:
    """A whole HTTP response; ``status`` as in "200 OK"."""

    status: str
    headers: Headers
    body: bytes


@dataclass(frozen=True, slots=True)
class Page:
    """A page for all anonymous visitors, compressed once, with its expiry as a Unix time."""

    headers: Headers
    etag: str
    gzipped: bytes
    expires_at: float

    @classmethod
    def from_response(cls, response: Response, *, expires_at: float) -> Self | None:
        """The page, or None for a response that must not be shared.

        Not shared: a status other than 200, a cookie, a token, a nonce, `Vary` by more than the canonical
        request leaves out.
        """
        headers = {name.lower(): value for name, value in response.headers}
        if not response.status.startswith("200 ") or "set-cookie" in headers:
            return None
        if any(mark in response.body for mark in PRIVATE_MARKS):
            return None
        if "'nonce-" in headers.get("content-security-policy", ""):
            return None
        if _varies(headers.get("vary", "")) or "content-encoding" in headers:
            return None
        stored = [(name, value) for name, value in response.headers if name.lower() not in _UNSTORED_HEADERS]
        etag = blake2b(response.body, digest_size=12).hexdigest()
        return cls(stored, etag, gzip.compress(response.body, 6, mtime=0), expires_at)

    def encode(self) -> bytes:
        head = json.dumps([self.etag, self.headers, self.expires_at], separators=(",", ":")).encode()
        return _LENGTH.pack(len(head)) + head + self.gzipped

    @classmethod
    def decode(cls, stored: bytes) -> Self:
        end = _LENGTH.size + _LENGTH.unpack_from(stored)[0]
        etag, headers, expires_at = json.loads(stored[_LENGTH.size : end])
        return cls([(name, value) for name, value in headers], etag, stored[end:], expires_at)

    def respond(
        self, *, accept_encoding: str, if_none_match: str, if_modified_since: str, cache_status: str
    ) -> Response:
        """The response to one request: 200 or 304, compressed if the visitor accepts that.

        `If-None-Match` takes precedence over the date (RFC 9110, 13.2.2): two versions of a page may have the
        same `Last-Modified`.
        """
        compressed = accepts_gzip(accept_encoding)
        etag = f'"{self.etag}-gzip"' if compressed else f'"{self.etag}"'
        headers = [
            ("Cache-Control", CACHE_CONTROL),
            ("Vary", "Accept-Encoding"),
            ("ETag", etag),
            ("Cache-Status", cache_status),
        ]
        if _matches(if_none_match, etag) if if_none_match else is_unmodified(self.headers, if_modified_since):
            return Response("304 Not Modified", headers, b"")
        body = self.gzipped if compressed else gzip.decompress(self.gzipped)
        if compressed:
            headers.append(("Content-Encoding", "gzip"))
        return Response("200 OK", [*self.headers, *headers, ("Content-Length", str(len(body)))], body)


def replacing(response: Response) -> Response:
    """The response to a request for a page. One that says that there is none ends nginx's copy of it."""
    has_cookie = any(name.lower() == "set-cookie" for name, _ in response.headers)
    if has_cookie or not response.status.startswith(_NO_PAGE):
        return response
    return replace(response, headers=[REPLACES_PAGE, *response.headers])


def _varies(vary: str) -> bool:
    """Whether the response depends on more than headers that the canonical request does not have."""
    return not {name.strip().lower() for name in vary.split(",")} <= {"", "cookie", "accept-encoding"}


def is_unmodified(headers: Iterable[tuple[str, str]], if_modified_since: str) -> bool:
    """Whether `If-Modified-Since` equals `Last-Modified`.

    As in nginx, a later date does not match: `Last-Modified` moves back when the newest entry is deleted.
    """
    if not if_modified_since:
        return False
    last_modified = next((value for name, value in headers if name.lower() == "last-modified"), "")
    since = parse_http_date_safe(if_modified_since)
    return since is not None and since == parse_http_date_safe(last_modified)


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip (RFC 9110, 12.5.3)."""
    if accept_encoding in ("gzip", "gzip, deflate, br", "gzip, deflate, br, zstd"):
        return True
    wildcard = False
    for part in accept_encoding.lower().split(","):
        name, _, quality = part.partition(";")
        allowed = quality.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
        if name.strip() in ("gzip", "x-gzip"):
            return allowed
        if name.strip() == "*":
            wildcard = allowed
    return wildcard


def _matches(if_none_match: str, etag: str) -> bool:
    """Weak comparison (RFC 9110, 13.1.2)."""
    tags = [tag.strip().removeprefix("W/") for tag in if_none_match.split(",")]
    return if_none_match.strip() == "*" or etag in tags

"""What is kept of a report: its kind. Anything that is not a report about a page of this site is an error.

Browsers send two forms: a list of reports with camel-case names (`report-to`, the Reporting API), or one
report with names in hyphens (`report-uri`).
"""

import json
import re
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urlsplit

from django.urls import Resolver404, resolve

from apps.cspreports.models import BLOCKED_LIMIT, PAGE_LIMIT

# Reports of one request that are read. A browser sends together what it collected for some seconds.
MOST_AT_ONCE = 10
DIRECTIVES = frozenset({
    "default-src", "script-src", "script-src-elem", "script-src-attr", "style-src", "style-src-elem",
    "style-src-attr", "img-src", "font-src", "connect-src", "media-src", "object-src", "frame-src",
    "child-src", "worker-src", "manifest-src", "prefetch-src", "fenced-frame-src", "form-action", "base-uri",
    "frame-ancestors", "navigate-to", "sandbox", "trusted-types", "require-trusted-types-for",
    "upgrade-insecure-requests",
})  # fmt: skip
# What stands for an address that browsers don't tell, or that has no host.
WORDS = frozenset({
    "", "inline", "eval", "wasm-eval", "self", "data", "blob", "filesystem", "about", "trusted-types-policy",
    "trusted-types-sink",
})  # fmt: skip
EXTENSION = re.compile(r"(?:chrome|moz|safari|safari-web|ms-browser)-extension", re.IGNORECASE)
HOST = re.compile(r"[a-z0-9._:\[\]-]+")
NO_PAGE = "(no page)"


class JunkError(Exception):
    """What was sent is not a report about a page of this site."""


class Kind(NamedTuple):
    directive: str
    blocked: str
    page: str


def kinds(body: bytes, *, host: str) -> list[Kind]:
    """The kind of each report in a request's body. Raises JunkError for any that is not about ``host``."""
    try:
        sent = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise JunkError("no JSON") from error
    reports = sent if isinstance(sent, list) else [sent]
    return [_kind(_content(report), host) for report in reports[:MOST_AT_ONCE] if not _is_other(report)]


def _is_other(report: object) -> bool:
    """Whether it is one of the Reporting API's other reports, such as about a deprecated function."""
    kind = report.get("type") if isinstance(report, dict) else None
    return isinstance(kind, str) and kind != "csp-violation"


def _content(report: object) -> dict[str, Any]:
    content = None
    if isinstance(report, dict):
        content = report.get("csp-report", report.get("body"))
    if not isinstance(content, dict):
        raise JunkError("no report")
    return content


def _kind(content: dict[str, Any], host: str) -> Kind:
    named = _text(content, "effectiveDirective", "effective-directive", "violated-directive")
    directive = named.partition(" ")[0]
    if directive not in DIRECTIVES:
        raise JunkError("no directive")
    page = _address(_text(content, "documentURL", "document-uri"))
    if page.netloc.lower() != host.lower() or page.scheme not in ("http", "https"):
        raise JunkError("no page of this site")
    blocked = _blocked(_text(content, "blockedURL", "blocked-uri"), host)
    if EXTENSION.match(_text(content, "sourceFile", "source-file")):
        blocked = "extension"
    return Kind(directive, blocked, _route(page.path))


def _text(content: dict[str, Any], *names: str) -> str:
    for name in names:
        value = content.get(name)
        if value is not None:
            if not isinstance(value, str):
                raise JunkError(f"{name} is no text")
            return value
    return ""


def _address(text: str) -> SplitResult:
    try:
        return urlsplit(text)
    except ValueError as error:
        raise JunkError("no address") from error


def _blocked(text: str, host: str) -> str:
    """A host, or a word: the path of what was blocked may have a secret."""
    if text in WORDS:
        return text
    if EXTENSION.match(text):
        return "extension"
    address = _address(text)
    where = address.netloc.rpartition("@")[2].lower()
    if where == host.lower():
        return "self"
    if where and HOST.fullmatch(where):
        return where[:BLOCKED_LIMIT]
    return address.scheme if address.scheme in WORDS else "other"


def _route(path: str) -> str:
    try:
        return resolve(path).route[:PAGE_LIMIT]
    except Resolver404:
        return NO_PAGE

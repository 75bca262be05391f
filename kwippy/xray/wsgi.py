"""The WSGI wrapper around the whole site: it writes a panel into each HTML page that a developer opens."""

from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from django.conf import settings

from kwippy.address import OWN_MACHINE
from kwippy.xray import panel, sources
from kwippy.xray.recording import count_connections, recorded

type Environ = dict[str, Any]
type StartResponse = Callable[..., Any]
type Application = Callable[[Environ, StartResponse], Iterable[bytes]]
type Headers = list[tuple[str, str]]

# What a write cost, for the page that it redirects to.
COOKIE = "xray"
_END = b"</body>"
# With these there would be no whole page to write into.
_CONDITIONS = ("HTTP_ACCEPT_ENCODING", "HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE")
# They describe the page without the panel.
_REPLACED = {"content-length", "etag", "last-modified"}
_SAFE = [
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", "default-src 'none'; style-src 'self'; frame-ancestors 'none'"),
    ("X-Content-Type-Options", "nosniff"),
]
_PROXIES = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_VIA")


def is_allowed() -> bool:
    """Whether this site may have the panel: only one whose address is on the developer's own machine."""
    return urlsplit(settings.SITE_URL).hostname in OWN_MACHINE


def wrapped(application: Application) -> Application:
    """``application`` with the panel, or itself where the panel is not allowed."""
    if not (settings.XRAY and is_allowed()):
        return application
    count_connections()
    return XRay(application)


class XRay:
    """``application``, with a panel at the end of each HTML page."""

    def __init__(self, application: Application) -> None:
        self._application = application

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if not _is_of_developer(environ):
            return self._application(environ, start_response)
        path = environ.get("PATH_INFO", "")
        if path.startswith(sources.PREFIX):
            status, kind, body = sources.response(path)
            start_response(status, [("Content-Type", kind), *_SAFE, ("Content-Length", str(len(body)))])
            return [body]
        if "text/html" not in environ.get("HTTP_ACCEPT", ""):
            return self._application(environ, start_response)
        return self._with_panel(environ, start_response)

    def _with_panel(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        whole = {name: value for name, value in environ.items() if name not in _CONDITIONS}
        started: list[tuple[str, Headers]] = []
        written: list[bytes] = []

        def start(status: str, headers: Headers, exc_info: object = None) -> Any:
            started.append((status, headers))
            return written.append

        with recorded() as record:
            chunks = self._application(whole, start)
            status, headers = started[-1]
            if not _is_html(headers):  # such as an archive, which is sent piece by piece
                start_response(status, headers)
                return chunks
            body = _joined(written, chunks)
        if environ["REQUEST_METHOD"] == "POST" and status.startswith("30"):
            headers = [*headers, _cookie(panel.summary(record, f"POST {environ['PATH_INFO']}"))]
        elif _END in body:
            before = _value_of_cookie(environ)
            inserted = panel.render(record, path=environ["PATH_INFO"], before=before)
            start_of_end = body.rindex(_END)
            body = body[:start_of_end] + inserted + body[start_of_end:]
            headers = [*_without_validators(headers), ("Content-Length", str(len(body)))]
            headers += [_cookie("")] if before else []
        start_response(status, headers)
        return [body]


def _is_of_developer(environ: Environ) -> bool:
    """Whether the request comes from a browser on this machine, directly, to an address of this machine."""
    if any(name in environ for name in _PROXIES):
        return False
    try:
        if not ip_address(environ.get("REMOTE_ADDR", "")).is_loopback:
            return False
        return urlsplit(f"//{environ.get('HTTP_HOST', '')}").hostname in OWN_MACHINE
    except ValueError:
        return False  # a Unix socket, behind which is a proxy; or no host name


def _is_html(headers: Headers) -> bool:
    return any(name.lower() == "content-type" and value.startswith("text/html") for name, value in headers)


def _joined(written: list[bytes], chunks: Iterable[bytes]) -> bytes:
    """The whole body; closes the response, with which the connection to PostgreSQL is checked in."""
    try:
        return b"".join([*written, *chunks])
    finally:
        if hasattr(chunks, "close"):
            chunks.close()


def _without_validators(headers: Headers) -> Headers:
    """The headers for a body with a panel, which no cache may store."""
    return [
        (name, "private, no-store" if name.lower() == "cache-control" and "public" in value else value)
        for name, value in headers
        if name.lower() not in _REPLACED
    ]


def _cookie(text: str) -> tuple[str, str]:
    """Carries the text to the next page; removed if empty."""
    seconds = 10 if text else 0
    return "Set-Cookie", f"{COOKIE}={quote(text)}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax"


def _value_of_cookie(environ: Environ) -> str:
    for pair in environ.get("HTTP_COOKIE", "").split(";"):
        name, _, value = pair.strip().partition("=")
        if name == COOKIE:
            return unquote(value)[:300]
    return ""

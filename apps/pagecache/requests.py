"""What of a request may matter to a public page: hardly anything, and the rest never reaches Django."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

type Environ = dict[str, Any]

_SERVERS = (
    "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "SCRIPT_NAME", "HTTP_X_REQUEST_ID",
    "wsgi.version", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once",
)  # fmt: skip


class Site:
    """The one site that is served here: its address, its other names, and the cookies of those it knows."""

    def __init__(self, *, site_url: str, hosts: list[str], cookies: list[str]) -> None:
        parts = urlsplit(site_url)
        self.scheme, self.netloc = parts.scheme, parts.netloc
        # A pattern (".example.org", "*") allows any number of hosts: those are served, and not kept.
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith((".", "*")))
        self._cookies = frozenset(cookies)

    def is_plain(self, environ: Environ) -> bool:
        """Whether a stranger asks, over this site's scheme and by one of its names, for what anybody gets."""
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD") or environ.get("SCRIPT_NAME"):
            return False
        # One look at all names together takes a tenth of one at each.
        if "HTTP_AUTHORIZATION" in environ or "HTTP_HX_" in "\n".join(environ):
            return False
        if self._is_known(environ.get("HTTP_COOKIE", "")) or self._scheme(environ) != self.scheme:
            return False
        host, colon, port = environ.get("HTTP_HOST", "").lower().rpartition(":")
        if not colon:
            host = port
        elif not port.isdigit():
            return False
        return host in self._hosts

    def plain(self, environ: Environ, path: str, query: str) -> Environ:
        """The request that stands for all of its kind: made anew, so that nothing else of it can show."""
        made = {name: environ[name] for name in _SERVERS if name in environ}
        made |= {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "HTTP_HOST": self.netloc,
            "REMOTE_ADDR": "",
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": BytesIO(),
        }
        if settings.SECURE_PROXY_SSL_HEADER and self.scheme == "https":
            header, value = settings.SECURE_PROXY_SSL_HEADER
            made[header] = value
        return made

    def _is_known(self, cookies: str) -> bool:
        """Whether one of the cookies says who somebody is. Names as Django reads them."""
        return bool(cookies) and any(
            chunk.partition("=")[0].strip() in self._cookies for chunk in cookies.split(";")
        )

    def _scheme(self, environ: Environ) -> str:
        """The scheme as Django sees it."""
        if settings.SECURE_PROXY_SSL_HEADER:
            header, value = settings.SECURE_PROXY_SSL_HEADER
            said = environ.get(header)
            if said is not None:
                return "https" if said.split(",")[0].strip() == value else "http"
        return str(environ.get("wsgi.url_scheme", "http"))


def path(environ: Environ) -> str | None:
    """The path, decoded; None where it is no UTF-8 or holds what no page's address does."""
    try:
        decoded = environ.get("PATH_INFO", "").encode("latin-1").decode()
    except UnicodeError:
        return None
    return decoded if decoded.startswith("/") and decoded.isprintable() else None

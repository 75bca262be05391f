"""Which requests a shared page may answer, and the canonical request that renders it."""

from io import BytesIO
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

type Environ = dict[str, Any]

# Entries of the server, not of the visitor.
_SERVER_ENTRIES = (
    "SERVER_NAME", "SERVER_PORT", "SERVER_PROTOCOL", "SERVER_SOFTWARE", "SCRIPT_NAME", "HTTP_X_REQUEST_ID",
    "wsgi.version", "wsgi.errors", "wsgi.multithread", "wsgi.multiprocess", "wsgi.run_once",
)  # fmt: skip


class Site:
    """The site's address, its other host names, and the cookies that may identify a visitor."""

    def __init__(self, *, site_url: str, hosts: list[str], cookies: list[str]) -> None:
        parts = urlsplit(site_url)
        self.scheme, self.netloc = parts.scheme, parts.netloc
        # A pattern (".example.org", "*") matches any number of hosts; requests for those are not cached.
        self._hosts = frozenset(host.lower() for host in hosts if not host.startswith((".", "*")))
        self._cookies = frozenset(cookies)

    def is_cacheable(self, environ: Environ) -> bool:
        """Whether a shared page may answer. An nginx in front must not cache more."""
        return (
            environ["REQUEST_METHOD"] in ("GET", "HEAD")
            and not environ.get("SCRIPT_NAME")
            and "HTTP_AUTHORIZATION" not in environ
            and not _is_from_htmx(environ)
            and not self._has_identifying_cookie(environ)
            and self._has_own_scheme(environ)
            and self._has_own_host(environ)
        )

    def canonical_request(self, environ: Environ, path: str, query: str) -> Environ:
        """The same request for every visitor of this page: nothing that a visitor sent reaches Django."""
        request = {name: environ[name] for name in _SERVER_ENTRIES if name in environ}
        request |= {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path.encode().decode("latin-1"),
            "QUERY_STRING": query,
            "HTTP_HOST": self.netloc,
            "REMOTE_ADDR": "",
            "wsgi.url_scheme": self.scheme,
            "wsgi.input": BytesIO(),
        }
        return request | forwarded_scheme(self.scheme)

    def _has_identifying_cookie(self, environ: Environ) -> bool:
        """Parses cookie names as Django does."""
        cookies = environ.get("HTTP_COOKIE", "")
        return bool(cookies) and any(
            cookie.partition("=")[0].strip() in self._cookies for cookie in cookies.split(";")
        )

    def _has_own_scheme(self, environ: Environ) -> bool:
        """Compares the scheme as Django determines it."""
        if settings.SECURE_PROXY_SSL_HEADER:
            header, value = settings.SECURE_PROXY_SSL_HEADER
            forwarded = environ.get(header)
            if forwarded is not None:
                is_secure = forwarded.split(",")[0].strip() == value
                return self.scheme == ("https" if is_secure else "http")
        return bool(self.scheme == environ.get("wsgi.url_scheme", "http"))

    def _has_own_host(self, environ: Environ) -> bool:
        host, colon, port = environ.get("HTTP_HOST", "").lower().rpartition(":")
        if not colon:
            return port in self._hosts
        return port.isdigit() and host in self._hosts


def forwarded_scheme(scheme: str) -> Environ:
    """What a TLS proxy adds to a request of this scheme, if Django expects a proxy."""
    if settings.SECURE_PROXY_SSL_HEADER and scheme == "https":
        header, value = settings.SECURE_PROXY_SSL_HEADER
        return {header: value}
    return {}


def decoded_path(environ: Environ) -> str | None:
    """The path as text; None if it is not UTF-8 or has characters that no page's path has."""
    try:
        path = environ.get("PATH_INFO", "").encode("latin-1").decode()
    except UnicodeError:
        return None
    return path if path.startswith("/") and path.isprintable() else None


def _is_from_htmx(environ: Environ) -> bool:
    # One search in all names takes a tenth of the time of one search each.
    return "HTTP_HX_" in "\n".join(environ)

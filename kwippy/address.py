"""The site's address: SITE_URL, or DOMAIN and HTTPS_PORT."""

import re
from urllib.parse import urlsplit

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*")
OWN_MACHINE = ("localhost", "127.0.0.1", "::1")


def site_url(given: str, *, domain: str, port: str) -> str:
    """``given``, or the https address of the domain. Normalized as browsers do it: lower case, no default
    port.
    """
    url = (given.rstrip("/") or (domain and f"https://{domain}:{port or 443}")).lower()
    for scheme, usual in (("https", ":443"), ("http", ":80")):
        if url.startswith(f"{scheme}://"):
            url = url.removesuffix(usual)
    return url


def is_host(name: str) -> bool:
    """Whether this is a host name or an IPv4 address, as browsers send it, and nothing more."""
    return len(name) <= 253 and bool(_HOST.fullmatch(name))


def is_site(url: str) -> bool:
    """Whether this is a scheme, a host and optionally a port, and nothing more."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return False
    host = parts.hostname or ""
    written = f"[{host}]" if ":" in host else host
    whole = f"{parts.scheme}://{written}" + (f":{port}" if port else "")
    return parts.scheme in ("http", "https") and url == whole and (is_host(host) or ":" in host)

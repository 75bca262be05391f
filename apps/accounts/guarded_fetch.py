"""Reads a web page whose address a person typed, without reaching anything that is not public.

A name is resolved once, each of its addresses is checked, and the connection goes to the checked address: a
second answer of the name server changes nothing. The standard library's client, because others resolve the
name themselves, and bound each wait instead of the whole.
"""

import http.client
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

from django.utils.encoding import iri_to_uri

REDIRECTS = 3
BYTES = 1_000_000
SECONDS = 10.0
_MOVED = {301, 302, 303, 307, 308}
# Not public for us: addresses that stand for an IPv4 address, former site-local ones, and the metadata
# service of a cloud that has a public address. Those of other clouds are link-local or private.
_REFUSED = [
    ipaddress.ip_network(text)
    for text in (
        "::/96", "64:ff9b::/96", "64:ff9b:1::/48", "2001::/32", "2002::/16", "fec0::/10", "168.63.129.16/32",
    )
]  # fmt: skip


class Unreadable(Exception):
    """The page was not read: refused, moved too often, too large, too slow, or no HTML."""


class Page(NamedTuple):
    url: str  # after redirects
    html: str


def is_public(address: str) -> bool:
    """Whether an IP address is one of the public internet."""
    found = ipaddress.ip_address(address)
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped:
        found = found.ipv4_mapped
    is_refused = any(found in network for network in _REFUSED if network.version == found.version)
    return found.is_global and not (found.is_multicast or found.is_reserved or is_refused)


@dataclass(frozen=True)
class Guard:
    """What may be read. Tests open it for servers of their own."""

    allows: Callable[[str], bool] = is_public
    ports: Collection[int] | None = frozenset({443})  # None: all
    tls: ssl.SSLContext = field(default_factory=ssl.create_default_context)
    resolve: Callable[..., list[Any]] = socket.getaddrinfo
    seconds: float = SECONDS


def fetch(url: str, guard: Guard) -> Page:
    """The page at the address. Raises `Unreadable`."""
    reading = _Reading(url, guard)
    reading.start()
    reading.join(guard.seconds)
    if reading.is_alive():
        reading.stop()
        raise Unreadable("too slow")
    if reading.page is None:
        raise Unreadable(reading.why)
    return reading.page


class _Pinned(http.client.HTTPSConnection):
    """Connects to ``address``, and verifies the certificate of ``host``."""

    def __init__(self, host: str, port: int, address: str, guard: Guard) -> None:
        super().__init__(host, port, timeout=guard.seconds, context=guard.tls)
        self._address, self._tls = address, guard.tls

    def connect(self) -> None:
        plain = socket.create_connection((self._address, self.port), self.timeout)
        # `sock` is set before the handshake, so that it can be stopped.
        self.sock = self._tls.wrap_socket(plain, server_hostname=self.host, do_handshake_on_connect=False)
        self.sock.do_handshake()


class _Reading(threading.Thread):
    """One reading. A thread, so that its caller's wait has an end whatever it waits for."""

    def __init__(self, url: str, guard: Guard) -> None:
        super().__init__(name="guarded fetch", daemon=True)
        self._url, self._guard = url, guard
        self._connection: _Pinned | None = None
        self._is_stopped = False
        self.page: Page | None = None
        self.why = ""

    def run(self) -> None:
        try:
            self.page = self._follow()
        except TimeoutError:
            self.why = "too slow"  # its socket gave up before the caller did
        except (Unreadable, OSError, ValueError, http.client.HTTPException) as error:
            self.why = f"{type(error).__name__}: {error}"

    def stop(self) -> None:
        self._is_stopped = True
        connection = self._connection
        if connection is not None and connection.sock is not None:
            try:
                # Of the socket below TLS: the thread that reads is in the layer above.
                socket.socket.shutdown(connection.sock, socket.SHUT_RDWR)
            except OSError:
                pass  # closed already

    def _follow(self) -> Page:
        url = self._url
        for _ in range(REDIRECTS + 1):
            found = self._read(url)
            if isinstance(found, Page):
                return found
            url = urljoin(url, found)
        raise Unreadable("too many redirects")

    def _read(self, url: str) -> Page | str:
        """The page, or where it moved."""
        parts = urlsplit(url)
        self._connection = connection = _Pinned(*self._checked(parts), self._guard)
        try:
            path = iri_to_uri(parts.path or "/") + (f"?{iri_to_uri(parts.query)}" if parts.query else "")
            headers = {"User-Agent": "kwippy (rel=me)", "Accept": "text/html", "Accept-Encoding": "identity"}
            connection.request("GET", path, headers=headers | {"Connection": "close"})
            answer = connection.getresponse()
            if answer.status in _MOVED and (place := answer.headers["Location"]):
                return str(place)
            if answer.status != 200 or answer.headers.get_content_type() != "text/html":
                raise Unreadable(f"{answer.status} {answer.headers.get_content_type()}")
            body = answer.read(BYTES + 1)
            if len(body) > BYTES:
                raise Unreadable("too large")
            return Page(url, body.decode("utf-8", "replace"))
        finally:
            connection.close()

    def _checked(self, parts: SplitResult) -> tuple[str, int, str]:
        """Host, port and address to connect to. Raises `Unreadable`."""
        port = parts.port or 443
        if parts.scheme != "https" or not parts.hostname or "@" in parts.netloc:
            raise Unreadable("no https address")
        if self._guard.ports is not None and port not in self._guard.ports:
            raise Unreadable(f"port {port}")
        host = parts.hostname if ":" in parts.hostname else parts.hostname.encode("idna").decode()
        addresses = [info[4][0] for info in self._guard.resolve(host, port, type=socket.SOCK_STREAM)]
        if self._is_stopped or not addresses or not all(map(self._guard.allows, addresses)):
            raise Unreadable("no public address")
        return host, port, addresses[0]

"""The HTTP client of the tests: plain requests, requests over TLS, and a browser with cookies."""

import gzip
import socket
import ssl
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http.client import HTTPConnection, HTTPMessage
from pathlib import Path
from urllib.parse import urlencode

from django.conf import settings
from django.test import Client

from apps.accounts.models import User

CSRF_TOKEN = "a" * 32
FORM_TYPE = "application/x-www-form-urlencoded"


@dataclass
class Response:
    """A response, with its body as received; a header that is missing reads as None."""

    status: int
    headers: HTTPMessage
    body: bytes
    seconds: float

    @property
    def text(self) -> str:
        is_gzipped = self.headers["Content-Encoding"] == "gzip"
        return (gzip.decompress(self.body) if is_gzipped else self.body).decode()

    @property
    def edge_cache(self) -> str:
        """nginx's cache status (HIT, MISS, BYPASS, STALE …), or "" in a location without a cache."""
        return self.headers["X-Cache"] or ""


def request(
    port: int,
    path: str,
    *headers: tuple[str, str],
    method: str = "GET",
    body: bytes | None = None,
    connection: HTTPConnection | None = None,
) -> Response:
    """Sends exactly these headers, `Host` if none of them is, and a body's length.

    ``connection`` stays open; without it the request has a connection of its own.
    """
    if body is None and method == "POST":
        body = b""
    used = connection or HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.perf_counter()
    try:
        used.putrequest(method, path, skip_accept_encoding=True, skip_host=True)
        length = () if body is None else (("Content-Length", str(len(body))),)
        host = () if any(name == "Host" for name, _ in headers) else (("Host", "localhost"),)
        for name, value in (*host, *length, *headers):
            used.putheader(name, value)
        used.endheaders(body)
        response = used.getresponse()
        received = response.read()
        return Response(response.status, response.headers, received, time.perf_counter() - started)
    finally:
        if connection is None:
            used.close()


@cache
def _trusting(certificate: str, protocol: str) -> ssl.SSLContext:
    """One for all clients: it takes longer to make than a connection."""
    tls = ssl.create_default_context(cadata=certificate)
    tls.set_alpn_protocols([protocol])
    return tls


class TlsClient:
    """A client of the site ``domain``, which trusts the certificate in the file ``certificate``.

    It connects from ``address``, any of 127.0.0.0/8; nginx counts each address as another client.
    """

    def __init__(self, port: int, domain: str, certificate: Path, address: str = "127.0.0.1") -> None:
        self.port = port
        self.domain = domain
        self.address = address
        self._certificate = certificate.read_text()

    def connect(self, *, sni: str = "", protocol: str = "http/1.1") -> ssl.SSLSocket:
        """A connection after its handshake. Raises ssl.SSLError if nginx refuses the name ``sni``."""
        tls = _trusting(self._certificate, protocol)
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(self.address, 0))
        return tls.wrap_socket(raw, server_hostname=sni or self.domain)

    def request(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Response:
        """Sends one request on a connection of its own."""
        connection = HTTPConnection(self.domain, self.port)
        connection.sock = self.connect()
        sent = {"Host": self.domain, **(headers or {})}
        try:
            return request(self.port, path, *sent.items(), method=method, body=body, connection=connection)
        finally:
            connection.close()


class Visitor:
    """A browser's cookies; each request has a connection of its own."""

    def __init__(self, port: int, session: str = "") -> None:
        self.port = port
        self.cookies = {"csrftoken": CSRF_TOKEN} | ({"sessionid": session} if session else {})

    def get(self, path: str, **headers: str) -> Response:
        return request(self.port, path, self._cookie(), *headers.items())

    def post(self, path: str, headers: Mapping[str, str] | None = None, **form: str) -> Response:
        body = urlencode({"csrfmiddlewaretoken": CSRF_TOKEN, **form}).encode()
        sent = {"Content-Type": FORM_TYPE, **(headers or {})}
        return request(self.port, path, self._cookie(), *sent.items(), method="POST", body=body)

    def _cookie(self) -> tuple[str, str]:
        return "Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items())


class Member(Visitor):
    """A visitor who is signed in."""

    def __init__(self, port: int, user: User) -> None:
        super().__init__(port, session_key(user))


def session_key(user: User) -> str:
    """Signs the user in and returns the key of the new session."""
    client = Client()
    client.force_login(user)
    return client.cookies[settings.SESSION_COOKIE_NAME].value

"""Requests over TLS to an nginx on loopback, under the name and from the address that a test chooses."""

import http.client
import socket
import ssl
from collections.abc import Mapping
from pathlib import Path

from tests.support.edge import Told


class Client:
    """A client of the site ``domain``, whose certificate is in the file ``certificate``.

    ``address`` is what it connects from, any of 127.0.0.0/8: to nginx each is another client.
    """

    def __init__(self, port: int, domain: str, certificate: Path, address: str = "127.0.0.1") -> None:
        self.port = port
        self.domain = domain
        self.address = address
        self._tls = ssl.create_default_context(cafile=str(certificate))

    def connect(self, *, sni: str = "", protocol: str = "http/1.1") -> ssl.SSLSocket:
        """A connection after its handshake. Raises ssl.SSLError where nginx refuses the name ``sni``."""
        self._tls.set_alpn_protocols([protocol])
        raw = socket.create_connection(("127.0.0.1", self.port), timeout=60, source_address=(self.address, 0))
        return self._tls.wrap_socket(raw, server_hostname=sni or self.domain)

    def ask(
        self,
        path: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Told:
        """One request on a connection of its own."""
        asked = http.client.HTTPConnection(self.domain, self.port)
        asked.sock = self.connect()
        try:
            asked.request(method, path, body, {"Host": self.domain, **(headers or {})})
            answer = asked.getresponse()
            return Told(answer.status, answer.headers, answer.read())
        finally:
            asked.close()

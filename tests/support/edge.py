"""nginx in front of the site, as it is deployed, and a client for it."""

import gzip
import http.client
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.local.edge import DeployedEdge, Edge

type Headers = Sequence[tuple[str, str]]


@dataclass
class Told:
    """A response, with its body as received."""

    status: int
    headers: http.client.HTTPMessage
    body: bytes

    @property
    def text(self) -> str:
        zipped = self.headers["Content-Encoding"] == "gzip"
        return (gzip.decompress(self.body) if zipped else self.body).decode()

    @property
    def cache(self) -> str:
        """nginx's cache status (HIT, MISS, BYPASS, STALE …), or "" in a location without a cache."""
        return self.headers["X-Cache"] or ""


def ask(port: int, path: str, *headers: tuple[str, str], method: str = "GET") -> Told:
    """One request with exactly these headers, and `Host`."""
    asked = http.client.HTTPConnection("127.0.0.1", port, timeout=40)
    try:
        asked.putrequest(method, path, skip_accept_encoding=True, skip_host=True)
        for name, value in (("Host", "localhost"), *headers):
            asked.putheader(name, value)
        asked.endheaders()
        answer = asked.getresponse()
        return Told(answer.status, answer.headers, answer.read())
    finally:
        asked.close()


@contextmanager
def edge(folder: Path, *, gunicorn: int) -> Iterator[Edge]:
    """Runs nginx in ``folder`` in front of the gunicorn on that port; skips the test without nginx."""
    with _running(Edge(folder, gunicorn=gunicorn)) as server:
        yield server


@contextmanager
def deployed_edge(folder: Path, *, gunicorn: int, domain: str) -> Iterator[DeployedEdge]:
    """Runs nginx as it is deployed, with TLS, for ``domain``; skips the test without nginx."""
    with _running(DeployedEdge(folder, gunicorn=gunicorn, domain=domain)) as server:
        yield server


@contextmanager
def _running[E: Edge](server: E) -> Iterator[E]:
    if Edge.program() is None:
        if os.environ.get("CI") == "true":
            pytest.fail("nginx is not installed, and with CI=true nothing is left out")
        pytest.skip("nginx is not installed")
    server.start()
    try:
        yield server
    finally:
        server.stop()

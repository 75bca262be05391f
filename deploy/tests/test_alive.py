"""The health check of a container says well for 200, and for nothing else."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from deploy import alive


class Answering(HTTPServer):
    status = 200
    asked: list[tuple[str, str]]


class Handler(BaseHTTPRequestHandler):
    server: Answering

    def do_GET(self) -> None:
        self.server.asked.append((self.path, self.headers["Host"]))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        """Nothing into the test's output."""


@pytest.fixture
def server() -> Iterator[Answering]:
    with Answering(("127.0.0.1", 0), Handler) as server:
        server.asked = []
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "code"), [(200, 0), (204, 1), (301, 1), (400, 1), (404, 1), (500, 1), (502, 1), (503, 1)]
)
def test_only_200_is_well(server: Answering, status: int, code: int) -> None:
    server.status = status
    assert alive.main(server.server_port) == code
    assert alive.main(server.server_port, "/readyz") == code
    assert [path for path, _ in server.asked] == ["/livez", "/readyz"]


@pytest.mark.parametrize(
    ("environment", "host"),
    [
        ({"SITE_URL": "https://kwippy.example:8443"}, "kwippy.example:8443"),
        ({"SITE_URL": "", "DOMAIN": "kwippy.example", "HTTPS_PORT": "8443"}, "kwippy.example"),
    ],
)
def test_it_asks_for_the_site_by_its_name(
    server: Answering, monkeypatch: pytest.MonkeyPatch, environment: dict[str, str], host: str
) -> None:
    monkeypatch.delenv("DOMAIN", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    alive.main(server.server_port)
    assert server.asked[0][1] == host


def test_where_nothing_listens_nothing_is_well(server: Answering) -> None:
    server.server_close()
    assert alive.main(server.server_port) == 1

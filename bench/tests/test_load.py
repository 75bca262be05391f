"""What wrk sends by the scripts of `bench/`."""

import os
import subprocess
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from bench import crawl
from bench.ladder import load
from bench.lib import http
from deploy.local.bootstrap import find_program

type Headers = list[tuple[str, dict[str, str]]]


@pytest.fixture
def server() -> Iterator[tuple[int, Headers]]:
    """The port of a server, and the method and headers of what it was sent."""
    sent: Headers = []

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            sent.append((self.command, dict(self.headers)))
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        do_POST = do_GET  # noqa: N815 - the name that the library looks for

        def log_message(self, *arguments: object) -> None:
            pass

    if not find_program("wrk"):
        if os.environ.get("CI"):
            pytest.fail("wrk is not installed, and with CI=true nothing is left out")
        pytest.skip("wrk is not installed: its requests are not looked at")
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        running.daemon_threads = True
        thread = threading.Thread(target=running.serve_forever)
        thread.start()
        yield running.server_port, sent
        running.shutdown()
        thread.join()


def by_ladder(port: int, folder: Path) -> None:
    requests = [
        load.Request("/", "a=b", address="192.0.2.1"),
        load.Request("/", "a=b", "POST", body="text=tea"),
    ]
    load.send(port, requests, folder, seconds=1, seed=1, clients=1)


def by_requests(port: int, folder: Path) -> None:
    requests = [http.Request("/", "a=b"), http.Request("/", "a=b", "POST", "text=tea")]
    http.wrk_requests(port, requests, folder, seconds=1, seed=1)


def by_crawl(port: int, folder: Path) -> None:
    file = folder / "requests"
    file.write_text("/\ta=b\n")
    command = ["wrk", "-t1", "-c1", "-d1s", "-H", "Accept-Encoding: gzip", "-s", str(crawl.SCRIPT)]
    command += [f"http://localhost:{port}/", str(file), "1", "10"]
    subprocess.run(command, check=True, capture_output=True)


@pytest.mark.parametrize("send", [by_ladder, by_requests, by_crawl])
def test_every_request_asks_for_a_compressed_page_as_browsers_do(
    send: Callable[[int, Path], None], server: tuple[int, Headers], tmp_path: Path
) -> None:
    port, sent = server
    send(port, tmp_path)
    assert {method for method, _ in sent} == ({"GET"} if send is by_crawl else {"GET", "POST"})
    for _, headers in sent:
        assert (headers["Accept-Encoding"], headers["Cookie"]) == ("gzip", "a=b")

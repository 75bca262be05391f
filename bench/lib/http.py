"""HTTP clients: one request, a load from this process, and wrk where this process would be the bottleneck."""

import http.client
import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from bench.lib.processes import other_cores

WRK_CLIENTS = 8
REQUESTS = Path(__file__).with_name("requests.lua")


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def fetch(port: int, path: str, headers: Mapping[str, str] | None = None, form: str | None = None) -> Answer:
    """One request, a POST of an encoded ``form`` if there is one, on a connection of its own.

    Raises OSError or HTTPException without an answer.
    """
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    sent = {"Host": "localhost"} | dict(headers or {})
    if form is not None:
        sent["Content-Type"] = "application/x-www-form-urlencoded"
    try:
        connection.request("GET" if form is None else "POST", path, body=form, headers=sent)
        response = connection.getresponse()
        return Answer(response.status, response.getheaders(), response.read())
    finally:
        connection.close()


@dataclass
class Load:
    """The result of a load: how long each page took, and how many requests failed."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def requests_a_second(self) -> float:
        return len(self.milliseconds) / self.seconds


class _Client:
    """One keep-alive connection, which sends its request again as soon as the answer is complete."""

    def __init__(self, port: int, request: bytes) -> None:
        self.port = port
        self.request = request
        self.buffer = b""
        self.sent_at = 0.0
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))

    def send(self) -> None:
        self.buffer = b""
        self.sent_at = time.perf_counter()
        self.socket.sendall(self.request)

    def receive(self) -> bool | None:
        """Whether the answer is a page (200); None while it is incomplete."""
        received = self.socket.recv(65536)
        self.buffer += received
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not received:
            return False
        if not separator:
            return None
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return head.startswith(b"HTTP/1.1 200") if len(body) >= length else None


def load(
    port: int, path: str, headers: Mapping[str, str] | None = None, *, clients: int, seconds: float
) -> Load:
    """Requests one page by so many clients at once for ``seconds``."""
    lines = [f"{name}: {value}" for name, value in ({"Host": "localhost"} | dict(headers or {})).items()]
    request = "\r\n".join([f"GET {path} HTTP/1.1", *lines, "", ""]).encode()
    result = Load()
    selector = selectors.DefaultSelector()
    for _ in range(clients):
        client = _Client(port, request)
        selector.register(client.socket, selectors.EVENT_READ, client)
        client.send()
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for key, _ in selector.select(0.1):
            _take(selector, key.data, result)
    result.seconds = time.perf_counter() - started
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    selector.close()
    return result


def _take(selector: selectors.BaseSelector, client: _Client, result: Load) -> None:
    is_page = client.receive()
    if is_page is None:
        return
    if is_page:
        result.milliseconds.append((time.perf_counter() - client.sent_at) * 1000)
    else:
        result.failed += 1
        selector.unregister(client.socket)
        client.socket.close()
        client.connect()
        selector.register(client.socket, selectors.EVENT_READ, client)
    client.send()


@dataclass(frozen=True)
class Request:
    """One line of `requests.lua`. A POST gets a form key of its own each time that it is sent."""

    path: str
    cookie: str
    method: str = "GET"
    body: str = ""

    @property
    def line(self) -> str:
        return "\t".join([self.method, self.path, self.cookie, self.body])


@dataclass(frozen=True)
class Run:
    """What wrk counted."""

    requests: int
    requests_a_second: float

    @property
    def milliseconds(self) -> float:
        """Milliseconds a request: the inverse of the rate."""
        return 1000 / self.requests_a_second


def wrk(port: int, path: str, *, seconds: float, script: tuple[str, ...] = ()) -> str:
    """The output of wrk, run for ``seconds`` with a few clients; ``script`` is a file and its arguments.

    It runs on other cores than the worker: see `bench.lib.processes`.
    """
    cores = ",".join(map(str, sorted(other_cores())))
    command = ["taskset", "-c", cores, str(shutil.which("wrk")), "-t1", f"-c{WRK_CLIENTS}"]
    command += [f"-d{seconds:.0f}s", "--timeout", "20s", "-H", "Accept-Encoding: gzip"]
    if script:
        command += ["-s", script[0]]
    command += [f"http://localhost:{port}{path}", *script[1:]]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


def wrk_page(port: int, path: str, *, seconds: float) -> Run:
    """Requests one page; raises SystemExit where a request fails."""
    return _checked(wrk(port, path, seconds=seconds))


def wrk_requests(
    port: int, requests: Sequence[Request], folder: Path, *, seconds: float, seed: int, most: int = 0
) -> Run:
    """Sends the requests in turns, at most ``most`` of them; raises SystemExit where one fails."""
    file = folder / "requests"
    file.write_text("".join(f"{request.line}\n" for request in requests))
    script = (str(REQUESTS), str(file), str(seed), str(most))
    return _checked(wrk(port, "/", seconds=seconds, script=script))


def _checked(printed: str) -> Run:
    rate = re.search(r"Requests/sec:\s+([\d.]+)", printed)
    count = re.search(r"(\d+) requests in", printed)
    if rate is None or count is None or "Non-2xx" in printed or "Socket errors" in printed:
        raise SystemExit(f"bench: requests failed\n{printed}")
    return Run(int(count[1]), float(rate[1]))

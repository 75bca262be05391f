"""HTTP clients: one request, a load from this process, and wrk where this process would be the bottleneck."""

import http.client
import re
import selectors
import shutil
import socket
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

WRK_CLIENTS = 8


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes


def fetch(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """One request on a connection of its own. Raises OSError or HTTPException without an answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", path, headers={"Host": "localhost"} | dict(headers or {}))
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


def wrk(port: int, path: str, *, seconds: float, script: tuple[str, ...] = ()) -> str:
    """The output of wrk, run for ``seconds`` with a few clients; ``script`` is a file and its arguments."""
    command = [str(shutil.which("wrk")), "-t1", f"-c{WRK_CLIENTS}", f"-d{seconds:.0f}s"]
    command += ["-H", "Accept-Encoding: gzip"]
    if script:
        command += ["-s", script[0]]
    command += [f"http://localhost:{port}{path}", *script[1:]]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not script and ("Non-2xx" in printed or "Socket errors" in printed):
        raise SystemExit(f"bench: requests failed\n{printed}")
    return printed


def wrk_milliseconds(port: int, path: str, *, seconds: float) -> float:
    """Milliseconds a request under wrk: the inverse of its requests a second."""
    found = re.search(r"Requests/sec:\s+([\d.]+)", wrk(port, path, seconds=seconds))
    assert found  # noqa: S101 - wrk always prints it
    return 1000 / float(found[1])

"""A load generator on this machine: so many browsers, each asking again as soon as it has its answer."""

import selectors
import socket
import time
from dataclasses import dataclass, field

REQUEST = b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n"


@dataclass
class Load:
    """What came of it."""

    seconds: float = 0.0
    milliseconds: list[float] = field(default_factory=list)
    failed: int = 0

    @property
    def requests_a_second(self) -> float:
        return len(self.milliseconds) / self.seconds


class _Browser:
    def __init__(self, port: int) -> None:
        self.port = port
        self.buffer = b""
        self.asked_at = 0.0
        self.connect()

    def connect(self) -> None:
        self.socket = socket.create_connection(("127.0.0.1", self.port))

    def ask(self) -> None:
        self.buffer = b""
        self.asked_at = time.perf_counter()
        self.socket.sendall(REQUEST)

    def answered(self) -> bool | None:
        """Whether the answer was a page; None as long as it is not all there."""
        received = self.socket.recv(65536)
        self.buffer += received
        head, separator, body = self.buffer.partition(b"\r\n\r\n")
        if not received:
            return False
        if not separator:
            return None
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        return head.startswith(b"HTTP/1.1 200") if len(body) >= length else None


def load(port: int, *, browsers: int, seconds: float) -> Load:
    """Asks for ``seconds``; returns how long each page took and how many answers were none."""
    result = Load()
    selector = selectors.DefaultSelector()
    for _ in range(browsers):
        browser = _Browser(port)
        selector.register(browser.socket, selectors.EVENT_READ, browser)
        browser.ask()
    started = time.perf_counter()
    while time.perf_counter() - started < seconds:
        for key, _ in selector.select(0.1):
            _take(selector, key.data, result)
    result.seconds = time.perf_counter() - started
    for key in list(selector.get_map().values()):
        key.data.socket.close()
    selector.close()
    return result


def _take(selector: selectors.BaseSelector, browser: _Browser, result: Load) -> None:
    answered = browser.answered()
    if answered is None:
        return
    if answered:
        result.milliseconds.append((time.perf_counter() - browser.asked_at) * 1000)
    else:
        result.failed += 1
        selector.unregister(browser.socket)
        browser.socket.close()
        browser.connect()
        selector.register(browser.socket, selectors.EVENT_READ, browser)
    browser.ask()

"""A relay on a Unix socket, between a site and its server: it counts what a request costs on the wire.

Only the counted requests go through relays, by processes of their own (`counting.py`); those that are timed
reach their servers directly.
"""

import contextlib
import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(slots=True)
class Wire:
    """Connections that were opened, answers that were waited for, and bytes that the server sent."""

    connections: int = 0
    round_trips: int = 0
    received: int = 0


class Relay:
    """Listens at ``path`` for the server at ``to`` for as long as its context lasts."""

    def __init__(self, path: Path, to: Path) -> None:
        self.wire = Wire()
        self._to = str(to)
        self._lock = threading.Lock()
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)

    def __enter__(self) -> Self:
        self._start(self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        # Without a shutdown, a thread that waits in accept() or recv() would go on waiting.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._threads[0].join()  # from here on there are no new connections
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        for thread in self._threads:
            thread.join()
        for each in (self._listener, *self._sockets):
            each.close()

    def _start(self, function: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=function, args=arguments, name="relay", daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._to)
                self._sockets += (client, server)
                self.wire.connections += 1
                asked = threading.Event()
                self._start(self._pass_on, client, server, True, asked)
                self._start(self._pass_on, server, client, False, asked)

    def _pass_on(
        self, source: socket.socket, target: socket.socket, is_question: bool, asked: threading.Event
    ) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(2**16):
                if is_question:
                    asked.set()
                else:
                    self._count(len(data), asked)
                target.sendall(data)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)

    def _count(self, received: int, asked: threading.Event) -> None:
        """An answer is all that the server sends between two messages of the client."""
        with self._lock:
            self.wire.received += received
            self.wire.round_trips += asked.is_set()
            asked.clear()

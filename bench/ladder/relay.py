"""A relay on a Unix socket, between a site and its server: it counts what a request costs on the wire.

Only the counted requests go through relays, by processes of their own (`counting.py`); those that are timed
reach their servers directly.
"""

import contextlib
import socket
import threading
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
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen(64)

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="relay", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        for each in (self._listener, *self._sockets):
            with contextlib.suppress(OSError):
                # Without it a thread that waits in accept() or recv() would go on waiting.
                each.shutdown(socket.SHUT_RDWR)
            each.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                server = socket.socket(socket.AF_UNIX)
                server.connect(self._to)
                self._sockets += (client, server)
                self.wire.connections += 1
                asked = threading.Event()
                for way in ((client, server, True), (server, client, False)):
                    arguments = (*way, asked)
                    threading.Thread(target=self._pass_on, args=arguments, name="relay", daemon=True).start()

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

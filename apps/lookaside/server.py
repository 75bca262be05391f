"""A memcached as this process knows it: a connection a thread, and what is owed to it while it is away."""

import logging
import os
import threading
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import NamedTuple

from apps.lookaside.connection import Connection, Failure, Reply

logger = logging.getLogger(__name__)

# Commands sent at once. More could fill both directions' buffers, and neither side would read.
BATCH = 100
MOST_OWED = 10_000


class Options(NamedTuple):
    """Seconds: to connect, to wait for an answer, to leave a server alone that did not give one."""

    connect_timeout: float = 0.2
    timeout: float = 0.2
    dead_timeout: float = 2.0


class Server:
    """One server. All threads learn from one that it is away; one at a time looks whether it is back."""

    def __init__(self, address: str, options: Options) -> None:
        self.address = address
        self.options = options
        self._lock = threading.Lock()
        self._thread = threading.local()
        self._dead_until = 0.0
        # Deletes that it missed. It gets them before it is read from again.
        self._owed: dict[bytes, None] = {}

    @property
    def is_away(self) -> bool:
        """Whether it gave no answer lately, and was not found back since."""
        return self._dead_until > 0

    def connection(self) -> Connection:
        """This thread's connection, or the attempt at one; raises Failure, at once if the server is away."""
        if self._dead_until:
            self._look_again()
        connection: Connection | None = getattr(self._thread, "connection", None)
        if connection is None or connection.closed:
            try:
                connection = self._thread.connection = self._connected()
            except Failure as failure:
                self._lost(failure)
                raise
        return connection

    def exchange(self, request: bytes, replies: int) -> tuple[Connection, list[Reply]]:
        """Replies to commands that may be sent twice; raises Failure."""
        connection = self.connection()
        try:
            return connection, connection.exchange(request, replies)
        except Failure as failure:
            # A server that was restarted has closed the connection that we kept: no reason to go without.
            if isinstance(failure.__cause__, TimeoutError):
                self._lost(failure)
                raise
        connection = self.connection()
        try:
            return connection, connection.exchange(request, replies)
        except Failure as failure:
            self._lost(failure)
            raise

    def fill(self, connection: Connection, request: bytes, replies: int) -> list[Reply]:
        """Replies to commands that count on ``connection`` alone, where the leases came from."""
        try:
            return connection.exchange(request, replies)
        except Failure as failure:
            if isinstance(failure.__cause__, TimeoutError):
                self._lost(failure)
            return []

    def delete(self, keys: Sequence[bytes]) -> bool:
        """Whether the server has deleted them all; what it has not is owed to it."""
        try:
            self.exchange(deletes(keys), len(keys))
        except Failure as failure:
            with self._lock:
                self._owed.update(dict.fromkeys(keys))
                while len(self._owed) > MOST_OWED:
                    del self._owed[next(iter(self._owed))]
                # Another thread may have found it alive since: debts are paid on the way back only.
                self._dead_until = self._dead_until or monotonic() + self.options.dead_timeout
            logger.debug("%s: %s keys not deleted: %s", self.address, len(keys), failure)
            return False
        return True

    def _connected(self) -> Connection:
        options = self.options
        return Connection(self.address, connect_timeout=options.connect_timeout, timeout=options.timeout)

    def _lost(self, failure: Failure) -> None:
        with self._lock:
            known, self._dead_until = self._dead_until, monotonic() + self.options.dead_timeout
        if not known:
            logger.warning("memcached at %s is away: %s", self.address, failure)

    def _look_again(self) -> None:
        """Returns when the server is back and has all that was owed to it; raises Failure."""
        with self._lock:
            if not self._dead_until:
                return
            if monotonic() < self._dead_until:
                raise Failure("the server is away")
            # The others go on without it while we look.
            self._dead_until = monotonic() + self.options.dead_timeout
        connection = self._connected()
        try:
            connection.exchange(b"mn\r\n", 1)
            while owed := self._take_owed():
                self._pay(connection, owed)
        finally:
            connection.close()
        logger.warning("memcached at %s is back", self.address)

    def _take_owed(self) -> list[bytes]:
        """Some of what is owed; nothing owed is what makes the server alive again, under one lock."""
        with self._lock:
            owed = list(self._owed)[:BATCH]
            for key in owed:
                del self._owed[key]
            if not owed:
                self._dead_until = 0.0
            return owed

    def _pay(self, connection: Connection, owed: list[bytes]) -> None:
        try:
            connection.exchange(deletes(owed), len(owed))
        except Failure:
            with self._lock:
                self._owed.update(dict.fromkeys(owed))
            raise


def deletes(keys: Iterable[bytes]) -> bytes:
    return b"".join([b"md %s\r\n" % key for key in keys])


_servers: dict[tuple[str, Options], Server] = {}
# A child opens connections of its own, and a lock may have been held when it was born.
os.register_at_fork(after_in_child=_servers.clear)


def server(address: str, options: Options) -> Server:
    """This process's knowledge of the server at ``address``."""
    known = _servers.get((address, options))
    return known or _servers.setdefault((address, options), Server(address, options))

"""One memcached as this process knows it: a client for each thread, the down state, pending deletes."""

import logging
import os
import threading
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from ssl import SSLContext
from time import monotonic, sleep
from typing import Any, NamedTuple

from pymemcache.exceptions import MemcacheError

from apps.lookaside.client import ERRORS, MetaClient, Reply
from apps.lookaside.stats import counts

logger = logging.getLogger(__name__)

# Commands in one round trip. More could fill the buffers of both directions, and neither side would read.
BATCH = 100
MAX_PENDING = 10_000
# How long a delete waits for another thread that asks whether the server is back.
CHECK_SECONDS = 0.5
# Seconds between two tries to replay them.
REPLAY_EVERY = 0.25
# What a connection raises without a wait where no server listens.
REFUSALS = (ConnectionRefusedError, FileNotFoundError)


class Options(NamedTuple):
    """``dead_timeout``: the seconds that a server is skipped once it is down. The others are pymemcache's."""

    dead_timeout: float = 2.0
    connect_timeout: float = 0.2
    timeout: float = 0.2
    tls_context: SSLContext | None = None
    socket_keepalive: Any = None  # pymemcache's KeepaliveOpts, for TCP only


class Server:
    """One server. All threads skip it once one thread found it down; one at a time checks if it is back."""

    def __init__(self, address: str, options: Options) -> None:
        self.address = address
        self._is_local = address.startswith(("/", "unix:"))
        self._client_options = options._asdict()
        self._dead_timeout: float = self._client_options.pop("dead_timeout")
        self._lock = threading.Lock()
        self._checking = threading.Lock()
        self._thread = threading.local()
        self._down_until = 0.0
        # Whether a connection is refused without a wait: then each delete asks anew.
        self._refuses = False
        # Deletes that failed, replayed before the next read, and by a thread if none comes.
        self._pending: dict[bytes, None] = {}
        self._is_replaying = False

    @property
    def is_down(self) -> bool:
        """Whether the last exchange failed. Sends nothing."""
        return self._down_until > 0

    def client(self) -> MetaClient:
        """This thread's open client. Raises one of `ERRORS`, at once if the server is down."""
        if self._down_until:
            self._check_if_back()
        client: MetaClient | None = getattr(self._thread, "client", None)
        if client is None or client.sock is None:
            try:
                client = self._thread.client = self._connect()
            except ERRORS as error:
                self._mark_down(error)
                raise
        return client

    def exchange(self, commands: bytes, replies: int) -> tuple[MetaClient, list[Reply]]:
        """Sends commands, twice if need be. Returns the client and its replies. Raises one of `ERRORS`."""
        client = self.client()
        try:
            return client, client.exchange(commands, replies)
        except ERRORS as error:
            # A server that was restarted has closed the connection, and is up: connect again.
            if isinstance(error, TimeoutError):
                self._mark_down(error)
                raise
        client = self.client()
        try:
            return client, client.exchange(commands, replies)
        except ERRORS as error:
            self._mark_down(error)
            raise

    def exchange_without_waiting(self, commands: bytes, replies: int) -> list[Reply]:
        """Replies on this thread's open client. Raises one of `ERRORS`: at once where there is none.

        It connects to a socket of this machine alone: elsewhere it may wait for DNS. It neither replays
        deletes nor marks the server down: for callers in a transaction, which must not wait, and whose next
        call must not be refused.
        """
        client: MetaClient | None = getattr(self._thread, "client", None)
        if client is not None and not self._down_until:
            if client is getattr(self._thread, "silent", None):
                raise MemcacheError("the server did not reply")
            try:
                return client.exchange(commands, replies)
            except ERRORS as error:
                if isinstance(error, TimeoutError):
                    self._thread.silent = client
                    raise
        if not self._is_local or (self._down_until and not self._refuses):
            raise MemcacheError("the server is down, or not connected")
        client = self._thread.client = self._connect()
        try:
            return client.exchange(commands, replies)
        except TimeoutError:
            self._thread.silent = client
            self._refuses = False
            raise

    def exchange_on(self, client: MetaClient, commands: bytes, replies: int) -> list[Reply]:
        """Replies to commands with a lease, on the client that got the lease; none if that failed."""
        try:
            return client.exchange(commands, replies)
        except ERRORS as error:
            if isinstance(error, TimeoutError):
                self._mark_down(error)
            return []

    def delete(self, keys: Sequence[bytes], delete: Callable[[], object] | None = None) -> bool:
        """Whether the server deleted all keys, by ``delete`` if given. If not, they are pending.

        Where a connection was refused without a wait, it asks again whether the server is back: other
        processes may have found it already, and filled it with what is to be deleted.
        """
        try:
            if self._down_until and self._refuses:
                self._check_if_back(at_once=True)
            if delete is not None:
                delete()
            else:
                self.exchange(deletes(keys), len(keys))
        except ERRORS as error:
            with self._lock:
                self._pending.update(dict.fromkeys(keys))
                while len(self._pending) > MAX_PENDING:
                    del self._pending[next(iter(self._pending))]
                # Another thread may have found it up meanwhile; only a server that was down gets a replay.
                self._down_until = self._down_until or monotonic() + self._dead_timeout
            self._replay_soon()
            logger.debug("%s: %s keys not deleted: %r", self.address, len(keys), error)
            return False
        return True

    def _connect(self) -> MetaClient:
        try:
            return MetaClient(self.address, **self._client_options)
        except ERRORS:
            # Not a round trip, but the metrics of an outage must show it.
            counts().failures += 1
            raise

    def _mark_down(self, error: Exception) -> None:
        with self._lock:
            was_down, self._down_until = self._down_until, monotonic() + self._dead_timeout
            self._refuses = isinstance(error, REFUSALS)
        if not was_down:
            logger.warning("memcached at %s is down: %r", self.address, error)

    def _check_if_back(self, *, at_once: bool = False) -> None:
        """Returns when the server replies and no delete is pending. Raises one of `ERRORS`."""
        if not self._down_until:
            return
        if monotonic() < self._down_until and not at_once:
            raise MemcacheError("the server is down")
        # One thread at a time: no other may find the server up before all that is pending is deleted.
        if not self._checking.acquire(at_once, CHECK_SECONDS if at_once else -1):
            raise MemcacheError("another thread asks whether the server is back")
        try:
            if self._down_until and not at_once:
                # Deletes and their replays leave this time alone: requests must find, and count, an outage.
                with self._lock:
                    self._down_until = monotonic() + self._dead_timeout
            if self._down_until:
                self._ask()
        finally:
            self._checking.release()

    def _ask(self) -> None:
        try:
            client = self._connect()
            try:
                client.exchange(b"mn\r\n", 1)
                while keys := self._take_pending():
                    self._replay(client, keys)
            finally:
                client.close()
        except ERRORS as error:
            self._refuses = isinstance(error, REFUSALS)
            raise
        logger.warning("memcached at %s is up again", self.address)

    def _replay_soon(self) -> None:
        """Starts a thread that replays the pending deletes: others read from a server once it is back."""
        with self._lock:
            if self._is_replaying:
                return
            self._is_replaying = True
        try:
            threading.Thread(target=self._replay_all, name=f"replays, {self.address}", daemon=True).start()
        except RuntimeError:  # no more threads, or the interpreter ends: the next read replays
            self._is_replaying = False

    def _replay_all(self) -> None:
        try:
            while True:
                sleep(REPLAY_EVERY)
                with self._lock:
                    if not self._pending:
                        self._is_replaying = False
                        return
                with suppress(*ERRORS):
                    self._check_if_back(at_once=True)
        except BaseException:
            self._is_replaying = False
            raise

    def _take_pending(self) -> list[bytes]:
        """The next pending deletes. When there are none, the server is up: both under one lock."""
        with self._lock:
            keys = list(self._pending)[:BATCH]
            for key in keys:
                del self._pending[key]
            if not keys:
                self._down_until = 0.0
            return keys

    def _replay(self, client: MetaClient, pending: list[bytes]) -> None:
        try:
            client.exchange(deletes(pending), len(pending))
        except ERRORS:
            with self._lock:
                self._pending.update(dict.fromkeys(pending))
                self._down_until = self._down_until or monotonic() + self._dead_timeout
            raise


def deletes(keys: Iterable[bytes]) -> bytes:
    return b"".join([b"md %s\r\n" % key for key in keys])


_servers: dict[tuple[str, Options], Server] = {}
# A child process opens its own connections, and another thread may have held a lock at the fork.
os.register_at_fork(after_in_child=_servers.clear)


def server(address: str, options: Options) -> Server:
    """This process's `Server` for an address."""
    known = _servers.get((address, options))
    return known or _servers.setdefault((address, options), Server(address, options))

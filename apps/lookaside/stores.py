"""What a lease needs of a store, and the store that is this process."""

import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, Protocol

from apps.lookaside.values import LARGEST, Entry

# A holder that died keeps its key from being stored so long. memcached counts whole seconds.
LEASE_SECONDS = 3


class Lease(NamedTuple):
    """The right to fill ``key``, for as long as nothing has happened to it since.

    ``unique`` is the store's number for that state of the key, ``granted_by`` what gave it out: numbers of
    another connection may be another server's.
    """

    key: bytes
    unique: bytes
    granted_by: Any = None


class Answer(NamedTuple):
    """What a store says of a key: an entry, and a lease to replace it; or only a lease, for the first who
    missed it; or neither: another holds the lease.
    """

    entry: Entry | None
    lease: Lease | None


class Fill(NamedTuple):
    """An entry for a key whose lease one holds, kept for ``ttl`` seconds."""

    lease: Lease
    entry: Entry
    ttl: int


class Store(Protocol):
    """Where entries lie. Each call is one round trip (a server), and none raises because a server is away."""

    def fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, Answer]:
        """What there is to say of each key; keys of a server that can't be asked are left out."""

    def fill(self, fills: Sequence[Fill]) -> None:
        """Stores what can be stored: where the lease no longer holds, nothing happens."""

    def release(self, leases: Iterable[Lease]) -> None:
        """Gives leases back, so that the next reader need not wait for them."""

    def delete(self, keys: Sequence[bytes]) -> list[bytes]:
        """Takes entries and leases away at once; returns the keys for which that failed."""

    def clear(self) -> None:
        """Takes everything away."""

    def is_away(self, keys: Sequence[bytes]) -> bool:
        """Whether what keeps one of the keys is known not to answer."""


class LocalStore:
    """A store in this process: for development, tests, and sites of one process without memcached."""

    MOST_BYTES = 32 * 1024 * 1024

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        # key → (the state's number, void after, the entry; None while a lease is out)
        self._items: OrderedDict[bytes, tuple[bytes, float, Entry | None]] = OrderedDict()
        self._bytes = 0

    def fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, Answer]:
        with self._lock:
            return {key: self._answer(key) for key in keys}

    def fill(self, fills: Sequence[Fill]) -> None:
        with self._lock:
            for fill in fills:
                if not self._holds(fill.lease):
                    continue
                if len(fill.entry.data) > LARGEST:
                    self._drop(fill.lease.key)
                else:
                    self._put(fill.lease.key, fill.ttl, fill.entry)

    def release(self, leases: Iterable[Lease]) -> None:
        with self._lock:
            for lease in leases:
                if self._holds(lease):
                    self._drop(lease.key)

    def delete(self, keys: Sequence[bytes]) -> list[bytes]:
        with self._lock:
            for key in keys:
                self._drop(key)
        return []

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._bytes = 0

    def is_away(self, keys: Sequence[bytes]) -> bool:
        return False

    def _answer(self, key: bytes) -> Answer:
        number, void_after, entry = self._items.get(key, (b"", 0.0, None))
        if void_after < monotonic():
            return Answer(None, Lease(key, self._put(key, LEASE_SECONDS, None)))
        self._items.move_to_end(key)
        return Answer(entry, Lease(key, number) if entry else None)

    def _holds(self, lease: Lease) -> bool:
        number, void_after, _ = self._items.get(lease.key, (b"", 0.0, None))
        return number == lease.unique and void_after >= monotonic()

    def _put(self, key: bytes, ttl: int, entry: Entry | None) -> bytes:
        self._drop(key)
        number = b"%d" % next(self._numbers)
        self._items[key] = (number, monotonic() + ttl, entry)
        self._bytes += self._size(key, entry)
        while self._bytes > self.MOST_BYTES:
            self._drop(next(iter(self._items)))
        return number

    def _drop(self, key: bytes) -> None:
        item = self._items.pop(key, None)
        if item is not None:
            self._bytes -= self._size(key, item[2])

    @staticmethod
    def _size(key: bytes, entry: Entry | None) -> int:
        return len(key) + 200 + (len(entry.data) if entry else 0)


_local: dict[str, LocalStore] = {}
# A fork may happen while another thread holds a lock, and copies are no longer told of invalidations.
os.register_at_fork(after_in_child=_local.clear)


def local_store(name: str) -> LocalStore:
    """This process's store of that name."""
    return _local.setdefault(name, LocalStore())


class NoStore:
    """A store that keeps nothing, like a server that is away, except that nothing fails."""

    def fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, Answer]:
        return {}

    def fill(self, fills: Sequence[Fill]) -> None: ...

    def release(self, leases: Iterable[Lease]) -> None: ...

    def delete(self, keys: Sequence[bytes]) -> list[bytes]:
        return []

    def clear(self) -> None: ...

    def is_away(self, keys: Sequence[bytes]) -> bool:
        return False

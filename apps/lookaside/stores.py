"""Leases, the interface of a store, and the stores in this process and in nothing."""

import itertools
import os
import threading
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from time import monotonic
from typing import Any, NamedTuple, Protocol

from apps.lookaside.marks import NO_MARKS, Marks
from apps.lookaside.values import LARGEST, Entry

# A holder that died blocks fills of its key for this long. memcached counts whole seconds.
LEASE_SECONDS = 3


class Lease(NamedTuple):
    """The right to fill ``key`` while its state is unchanged.

    ``unique`` is the store's number for that state (memcached's CAS unique), ``granted_by`` the connection
    that it came from: a restarted server gives out the same numbers again.
    """

    key: bytes
    unique: bytes
    granted_by: Any = None


class Answer(NamedTuple):
    """A store's answer for one key. Hit: an entry, and a lease to replace it. Miss: a lease for the first
    reader, neither for the others.
    """

    entry: Entry | None
    lease: Lease | None


class Fill(NamedTuple):
    """An entry to store under a lease, for ``ttl`` seconds."""

    lease: Lease
    entry: Entry
    ttl: int


class Store(Protocol):
    """Stores entries. Each call is one round trip to each server; only `clear` raises if a server is down."""

    # Whether `delete` deletes keys in their order: one server does.
    in_order: bool

    def fetch(self, keys: Sequence[bytes], peeks: Sequence[bytes] = ()) -> dict[bytes, Answer]:
        """An answer for each key, except for marked keys and keys of a server that is down.

        An answer for a key of ``peeks`` grants no lease, and may be left out if there is no entry.
        """

    def fill(self, fills: Sequence[Fill]) -> None:
        """Stores the entries whose lease is still valid."""

    def release(self, leases: Iterable[Lease]) -> None:
        """Gives leases back, so that the next reader gets one at once."""

    def mark(self, keys: Sequence[bytes], seconds: int) -> Marks:
        """Hides entries and voids leases, until the keys are deleted with these marks or the time is over.

        It is called in a transaction: it waits for one reply at most, and not for a connection.
        """

    def delete(self, keys: Sequence[bytes], marks: Marks | None = None) -> list[bytes]:
        """Deletes entries and voids leases; returns the keys for which that failed.

        With ``marks``, those of this transaction, the marks of others stay.
        """

    def clear(self) -> None:
        """Deletes everything."""

    def is_down(self, keys: Sequence[bytes]) -> bool:
        """Whether a server of one of the keys is known to be down. Sends nothing."""


class LocalStore:
    """A store in this process: for development, tests, and single-process sites without memcached."""

    MAX_BYTES = 32 * 1024 * 1024
    in_order = True

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._numbers = itertools.count(1)
        # key → (the state's number, when it expires, the entry; None while a lease is out)
        self._items: OrderedDict[bytes, tuple[bytes, float, Entry | None]] = OrderedDict()
        self._bytes = 0

    def fetch(self, keys: Sequence[bytes], peeks: Sequence[bytes] = ()) -> dict[bytes, Answer]:
        with self._lock:
            answers = {key: self._answer(key) for key in keys}
            for key in peeks:
                _, expires_at, entry = self._items.get(key, (b"", 0.0, None))
                answers[key] = Answer(entry if expires_at >= monotonic() else None, None)
            return answers

    def fill(self, fills: Sequence[Fill]) -> None:
        with self._lock:
            for fill in fills:
                if not self._holds(fill.lease):
                    continue
                if len(fill.entry.data) > LARGEST:
                    self._remove(fill.lease.key)
                else:
                    self._put(fill.lease.key, fill.ttl, fill.entry)

    def release(self, leases: Iterable[Lease]) -> None:
        with self._lock:
            for lease in leases:
                if self._holds(lease):
                    self._remove(lease.key)

    def mark(self, keys: Sequence[bytes], seconds: int) -> Marks:
        return NO_MARKS  # a writer that is killed takes this store with it

    def delete(self, keys: Sequence[bytes], marks: Marks | None = None) -> list[bytes]:
        with self._lock:
            for key in keys:
                self._remove(key)
        return []

    def clear(self) -> None:
        with self._lock:
            self._items.clear()
            self._bytes = 0

    def is_down(self, keys: Sequence[bytes]) -> bool:
        return False

    def _answer(self, key: bytes) -> Answer:
        number, expires_at, entry = self._items.get(key, (b"", 0.0, None))
        if expires_at < monotonic():
            return Answer(None, Lease(key, self._put(key, LEASE_SECONDS, None)))
        self._items.move_to_end(key)
        return Answer(entry, Lease(key, number) if entry else None)

    def _holds(self, lease: Lease) -> bool:
        number, expires_at, _ = self._items.get(lease.key, (b"", 0.0, None))
        return number == lease.unique and expires_at >= monotonic()

    def _put(self, key: bytes, ttl: int, entry: Entry | None) -> bytes:
        self._remove(key)
        number = b"%d" % next(self._numbers)
        self._items[key] = (number, monotonic() + ttl, entry)
        self._bytes += self._size(key, entry)
        while self._bytes > self.MAX_BYTES:
            self._remove(next(iter(self._items)))
        return number

    def _remove(self, key: bytes) -> None:
        item = self._items.pop(key, None)
        if item is not None:
            self._bytes -= self._size(key, item[2])

    @staticmethod
    def _size(key: bytes, entry: Entry | None) -> int:
        return len(key) + 200 + (len(entry.data) if entry else 0)


_local: dict[str, LocalStore] = {}
# Another thread may have held a lock at the fork, and invalidations in the parent do not reach a copy.
os.register_at_fork(after_in_child=_local.clear)


def local_store(name: str) -> LocalStore:
    """This process's store with that name."""
    return _local.setdefault(name, LocalStore())


class NoStore:
    """A store that holds nothing, and where nothing fails."""

    in_order = True

    def fetch(self, keys: Sequence[bytes], peeks: Sequence[bytes] = ()) -> dict[bytes, Answer]:
        return {}

    def fill(self, fills: Sequence[Fill]) -> None: ...

    def release(self, leases: Iterable[Lease]) -> None: ...

    def mark(self, keys: Sequence[bytes], seconds: int) -> Marks:
        return NO_MARKS

    def delete(self, keys: Sequence[bytes], marks: Marks | None = None) -> list[bytes]:
        return []

    def clear(self) -> None: ...

    def is_down(self, keys: Sequence[bytes]) -> bool:
        return False

"""Peeks: entries that a read fetches too, in its round trip, because another read of them probably follows.

A peek takes no lease. A lease for a key that nothing then reads would make its other readers wait for 75 ms.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar

from apps.lookaside.stores import Answer, Store
from apps.lookaside.values import Entry


class Peeks:
    """The peeks of one block: first the keys, after the first fetch the entries that it found."""

    def __init__(self, store: Store, keys: Iterable[bytes]) -> None:
        self.store = store
        self._keys = tuple(keys)
        self._entries: dict[bytes, Entry] = {}

    def fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, Answer]:
        """The store's answers for ``keys``."""
        peeks, self._keys = [key for key in self._keys if key not in keys], ()
        answers = dict(self.store.fetch(keys, peeks))
        found = {key: answers.pop(key).entry for key in peeks if key in answers}
        self._entries |= {key: entry for key, entry in found.items() if entry is not None}
        return answers

    def taken(self, keys: Iterable[bytes]) -> list[tuple[bytes, Entry]]:
        """The entries of ``keys`` that were found; each is returned once."""
        return [(key, self._entries.pop(key)) for key in keys if key in self._entries]

    def clear(self) -> None:
        self._keys = ()
        self._entries.clear()


_current: ContextVar[Peeks | None] = ContextVar("lookaside_peeks", default=None)


@contextmanager
def block(store: Store, keys: Iterable[bytes]) -> Iterator[None]:
    """Inside the block, the first fetch from the store peeks at ``keys``."""
    token = _current.set(Peeks(store, keys))
    try:
        yield
    finally:
        _current.reset(token)


def over(store: Store) -> Peeks | None:
    """The peeks of the current block, if it is one of this store."""
    peeks = _current.get()
    return peeks if peeks is not None and peeks.store is store else None


def clear() -> None:
    """Forgets what was peeked at in the current block, before an invalidation."""
    if (peeks := _current.get()) is not None:
        peeks.clear()

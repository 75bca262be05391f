"""Peeks: entries that a read fetches too, in its round trip, because another read of them probably follows.

A peek takes no lease. A lease for a key that nothing then reads would make its other readers wait for 75 ms.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextvars import ContextVar, Token
from typing import Self

from apps.lookaside.stores import Answer, Store
from apps.lookaside.values import Entry


class Peeks:
    """The peeks of a ``with`` block: first the keys, after the first fetch the entries that it found."""

    __slots__ = ("_entries", "_keys", "_token", "store")
    _token: "Token[Peeks | None]"

    def __init__(self, store: Store, keys: Sequence[bytes]) -> None:
        self.store = store
        self._keys = keys
        self._entries: dict[bytes, Entry] = {}

    def __enter__(self) -> Self:
        self._token = _current.set(self)
        return self

    def __exit__(self, *_: object) -> None:
        _current.reset(self._token)

    def fetch(self, keys: Sequence[bytes]) -> Mapping[bytes, Answer]:
        """The store's answers for ``keys``."""
        peeks, self._keys = [key for key in self._keys if key not in keys], ()
        answers = self.store.fetch(keys, peeks)
        for key in peeks:
            answer = answers.pop(key, None)
            if answer is not None and answer.entry is not None:
                self._entries[key] = answer.entry
        return answers

    def taken(self, keys: Iterable[bytes]) -> list[tuple[bytes, Entry]]:
        """The entries of ``keys`` that were found; each is returned once."""
        found = self._entries
        return [(key, found.pop(key)) for key in keys if key in found] if found else []

    def clear(self) -> None:
        self._keys = ()
        self._entries.clear()


_current: ContextVar[Peeks | None] = ContextVar("lookaside_peeks", default=None)


def over(store: Store) -> Peeks | None:
    """The peeks of the current block, if it is one of this store."""
    peeks = _current.get()
    return peeks if peeks is not None and peeks.store is store else None


def clear() -> None:
    """Forgets what was peeked at in the current block, before an invalidation."""
    if (peeks := _current.get()) is not None:
        peeks.clear()

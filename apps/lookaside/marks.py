"""Marks: keys that a transaction is about to invalidate, for a writer that is killed after its COMMIT.

The last act before COMMIT appends a record to the item of each key, whatever the item is. While it stands, no
read returns the item and no lease of the key fills it: readers compute, and store nothing. The invalidation
after the commit deletes the item. Without it, the mark expires, and the item with it::

    writer            memcached              reader
      |-- append k ----->| entry, mark         |
      | COMMIT, killed   |<------ mg k N ------| neither entry nor lease: it computes
      |                  | the mark expires    |
      |                  |<------ mg k N ------| miss, lease: it fills

Several transactions may mark one key. Each has a record of its own, and the last one deletes the item: the
others remove their record, by compare-and-swap. A record holds the time when it ends, for the transactions
that never removed theirs.

Three ways remove the marks of others too, so that what they protect may be stale if their writer is killed in
that moment: the replay of deletes that a server missed, the last round of `invalidate`, for keys that keep
changing, and a process without marks (MARK_SECONDS 0).
"""

import secrets
import struct
import time
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple, Protocol

MAGIC = b"\x00in flight\x00"
_ENDS_AT = struct.Struct(">I")
_RANDOM_BYTES = 8
RECORD_BYTES = len(MAGIC) + _ENDS_AT.size + _RANDOM_BYTES
# For the clocks of other machines, and memcached's, which counts whole seconds.
GRACE_SECONDS = 30
TRIES = 3
# The number of no item: a removal of it only asks whether the item is still missing.
NO_ITEM = b"0"


class Marks(NamedTuple):
    """A transaction's record, and the number of each marked item; empty if others marked that item, too."""

    record: bytes
    numbers: Mapping[bytes, bytes]


NO_MARKS = Marks(b"", {})


class Seen(NamedTuple):
    """An item as it is, with its number."""

    value: bytes
    unique: bytes


class Removal(NamedTuple):
    """Deletes the item, or leaves the records ``rest`` of it for ``seconds``. ``unique``: only that item."""

    key: bytes
    unique: bytes = b""
    rest: bytes = b""
    seconds: int = 0


class Commands(Protocol):
    """What marks need of one server. Each call is one round trip for 33 keys, and raises if that fails."""

    def append(self, keys: Sequence[bytes], record: bytes, seconds: int) -> Mapping[bytes, Seen]:
        """Appends the record to each item, or creates it; it lives for ``seconds``. Returns the items."""

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Seen]:
        """The items that there are. Grants no lease."""

    def remove(self, removals: Sequence[Removal]) -> list[bool]:
        """Whether each was done, or its item is gone: not if it has another number."""


def new_record(seconds: int) -> bytes:
    return MAGIC + _ENDS_AT.pack(int(time.time()) + seconds) + secrets.token_bytes(_RANDOM_BYTES)


def is_marked(value: bytes) -> bool:
    """Runs for each key that a read fetches."""
    return value[-RECORD_BYTES : len(MAGIC) - RECORD_BYTES] == MAGIC


def records(value: bytes) -> list[bytes]:
    """The records at the end of an item, the last first."""
    found = []
    while is_marked(value):
        found.append(value[-RECORD_BYTES:])
        value = value[:-RECORD_BYTES]
    return found


def standing(value: bytes, *, grace: int = 0) -> list[bytes]:
    """The records of an item that have not ended."""
    now = time.time()
    return [record for record in records(value) if _ends_at(record) + grace > now]


def _ends_at(record: bytes) -> int:
    return int(_ENDS_AT.unpack_from(record, len(MAGIC))[0])


def mark(at: Commands, keys: Sequence[bytes], record: bytes, seconds: int) -> dict[bytes, bytes]:
    """Marks the keys; returns the numbers of `Marks` for the marks that stand. Raises what ``at`` raises."""
    numbers: dict[bytes, bytes] = {}
    for _ in range(TRIES):
        # An item may be deleted or created between two commands of the round trip; it then lacks the record.
        for key, (value, unique) in at.append(keys, record, seconds).items():
            if value.endswith(record) and value.find(MAGIC) + RECORD_BYTES == len(value):
                numbers[key] = unique
            elif record in records(value):
                numbers[key] = b""
        keys = [key for key in keys if key not in numbers]
        if not keys:
            break
    return numbers


def invalidate(at: Commands, keys: Sequence[bytes], marks: Marks) -> None:
    """Deletes the keys in their order, except for the marks of other transactions. Raises what ``at`` raises.

    One round trip for keys that have a mark and no other. Where an item has changed since it was marked, it
    and all keys after it are invalidated once more: pages may have been rendered from it.
    """
    sure = [Removal(key, unique) for key in keys if (unique := marks.numbers.get(key))]
    changed = _changed(at, sure)
    if len(sure) < len(keys):
        changed |= set(keys).difference(removal.key for removal in sure)
    if not changed:
        return
    for _ in range(TRIES):
        keys = _from_first(keys, changed)
        if not keys:
            return
        seen = at.look(keys)
        # A generation that is missing now may be created before an entry ahead of it is deleted.
        changed = _changed(
            at,
            [
                _without(marks.record, key, seen[key]) if key in seen else Removal(key, NO_ITEM)
                for key in keys
            ],
        )
    _changed(at, [Removal(key) for key in _from_first(keys, changed)])


def _without(own: bytes, key: bytes, seen: Seen) -> Removal:
    rest = {record for record in standing(seen.value) if record != own}
    seconds = max(map(_ends_at, rest), default=0) - int(time.time())
    return Removal(key, seen.unique, b"".join(rest), seconds + 1)


def _changed(at: Commands, removals: Sequence[Removal]) -> set[bytes]:
    done = at.remove(removals) if removals else []
    return {removal.key for removal, is_done in zip(removals, done, strict=True) if not is_done}


def _from_first(keys: Sequence[bytes], changed: Iterable[bytes]) -> Sequence[bytes]:
    """``keys`` from the first that is in ``changed``."""
    changed = set(changed)
    return next((keys[index:] for index, key in enumerate(keys) if key in changed), [])

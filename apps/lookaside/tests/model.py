"""An immutable model of memcached, and a store whose calls are steps."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from apps.lookaside import marks as marking
from apps.lookaside.marks import Marks, Removal, Seen
from apps.lookaside.stores import Answer, Fill, Lease
from apps.lookaside.values import Entry

type Do = Callable[..., Any]


class Step(NamedTuple):
    """The next call of a program."""

    name: str
    arguments: tuple[Any, ...]


class ScheduledStore:
    """A store in which each call is a step. ``others``: entries of further keys, which never change."""

    in_order = True

    def __init__(self, do: Do, others: Mapping[bytes, Entry] | None = None) -> None:
        self.do = do
        self.others = others or {}

    def fetch(self, keys: Sequence[bytes], peeks: Sequence[bytes] = ()) -> dict[bytes, Answer]:
        (key,) = keys
        if key in self.others:
            peeked = {peek: self.do("peek", peek) for peek in peeks}
            return {key: Answer(self.others[key], None)} | unmarked(peeked)
        assert not peeks
        return unmarked({key: self.do("fetch", key)})

    def fill(self, fills: Sequence[Fill]) -> None:
        (fill,) = fills
        self.do("fill", fill)

    def release(self, leases: Iterable[Lease]) -> None:
        for lease in leases:
            self.do("release", lease)

    def mark(self, keys: Sequence[bytes], seconds: int) -> Marks:
        record = marking.new_record(seconds)
        return Marks(record, marking.mark(ScheduledCommands(self.do), keys, record, seconds))

    def delete(self, keys: Sequence[bytes], marks: Marks | None = None) -> list[bytes]:
        if marks is not None:
            marking.invalidate(ScheduledCommands(self.do), keys, marks)
            return []
        (key,) = keys
        self.do("delete", key)
        return []

    def clear(self) -> None:
        raise NotImplementedError

    def is_down(self, keys: Sequence[bytes]) -> bool:
        return False


def unmarked(answers: Mapping[bytes, Answer | None]) -> dict[bytes, Answer]:
    """The answers without those of marked keys."""
    return {key: answer for key, answer in answers.items() if answer is not None}


class ScheduledCommands:
    """The commands of marks; each is a step."""

    def __init__(self, do: Do) -> None:
        self.do = do

    def append(self, keys: Sequence[bytes], record: bytes, seconds: int) -> Mapping[bytes, Seen]:
        for key in keys:
            self.do("append", key, record)
            self.do("create", key, record)
        return self.look(keys)

    def look(self, keys: Sequence[bytes]) -> Mapping[bytes, Seen]:
        seen = {key: self.do("look", key) for key in keys}
        return {key: item for key, item in seen.items() if item is not None}

    def remove(self, removals: Sequence[Removal]) -> list[bool]:
        return [self.do("remove", removal.key, removal) for removal in removals]


class Model(NamedTuple):
    """One key of memcached, and the row behind it."""

    version: int = 0
    finished: int = 0
    # The key's state: its number, and the entry; None while a lease is out.
    item: tuple[int, Any] | None = None
    numbers: int = 0
    # How often the server was restarted, which ends its connections.
    epoch: int = 0
    # Fills in flight: a reader that stopped waiting for the reply may still have sent one.
    sent: tuple[Fill, ...] = ()
    # The records of the open transactions. The time limits of PostgreSQL end these before their marks end.
    open: frozenset[bytes] = frozenset()
    # Whether a version counts as finished with its COMMIT, without the invalidation that follows.
    is_strict: bool = False

    def allows(self, step: Step) -> bool:
        """Whether the step can be taken now."""
        return True

    def after(self, step: Step) -> tuple["Model", Any]:
        """The model after a step, and the answer."""
        answer: tuple[Model, Any] = getattr(self, f"_{step.name}")(*step.arguments)
        return answer

    def _read(self) -> tuple["Model", int]:
        return self, self.version

    def _commit(self, record: bytes = b"") -> tuple["Model", int]:
        version = self.version + 1
        model = self._replace(version=version, open=self.open - {record})
        return (model._replace(finished=version) if self.is_strict else model), version

    def _rollback(self, record: bytes) -> tuple["Model", None]:
        return self._replace(open=self.open - {record}), None

    def _fetch(self, key: bytes) -> tuple["Model", Answer | None]:
        if self.records:
            return self, None
        if self.item is None:
            model = self._put(None)
            return model, Answer(None, model.lease(key))
        entry = self.item[1]
        return self, Answer(entry, self.lease(key) if entry else None)

    def _peek(self, key: bytes) -> tuple["Model", Answer | None]:
        return self, None if self.records else Answer(self.item[1] if self.item else None, None)

    def _fill(self, fill: Fill) -> tuple["Model", None]:
        return self._replace(sent=(*self.sent, fill)), None

    def _release(self, lease: Lease) -> tuple["Model", None]:
        return (self._replace(item=None) if self.holds(lease) else self), None

    def _delete(self, key: bytes) -> tuple["Model", None]:
        return self._replace(item=None), None

    # Marks. Of a marked item the records are left: nothing reads what is before them.

    @property
    def records(self) -> bytes:
        """The records of a marked item."""
        value = self.item[1] if self.item else None
        return value if isinstance(value, bytes) else b""

    def _append(self, key: bytes, record: bytes) -> tuple["Model", None]:
        marked = self._put(self.records + record) if self.item else self
        return marked._replace(open=self.open | {record}), None

    def _create(self, key: bytes, record: bytes) -> tuple["Model", None]:
        return (self if self.item else self._put(record)), None

    def _look(self, key: bytes) -> tuple["Model", Seen | None]:
        return self, Seen(self.records, b"%d" % self.item[0]) if self.item else None

    def _remove(self, key: bytes, removal: Removal) -> tuple["Model", bool]:
        if self.item is None:
            return self, True
        if removal.unique not in (b"", b"%d" % self.item[0]):
            return self, False
        return (self._put(removal.rest) if removal.rest else self._replace(item=None)), True

    # A cache without leases, such as Django's.

    def _get(self) -> tuple["Model", Any]:
        return self, self.item[1] if self.item else None

    def _set(self, value: Any) -> tuple["Model", None]:
        return self._put(value), None

    def _add(self, value: Any) -> tuple["Model", bool]:
        return (self, False) if self.item else (self._put(value), True)

    def accidents(self) -> Iterator[tuple[str, "Model"]]:
        """Faults: a fill arrives late, the key is evicted or expires, memcached restarts."""
        for index, fill in enumerate(self.sent):
            model = self._replace(sent=self.sent[:index] + self.sent[index + 1 :])
            yield "fill arrives", model._put(fill.entry) if self.holds(fill.lease) else model
        if self.records and not self.open:
            yield "the mark ends", self._replace(item=None)
        if self.item:
            yield "evicted", self._replace(item=None)
        yield "restarted", self._replace(item=None, numbers=0, epoch=self.epoch + 1, sent=())

    def lease(self, key: bytes) -> Lease:
        assert self.item
        return Lease(key, b"%d" % self.item[0], self.epoch)

    def holds(self, lease: Lease) -> bool:
        return (
            self.item is not None and lease.unique == b"%d" % self.item[0] and lease.granted_by == self.epoch
        )

    def _put(self, value: Any) -> "Model":
        return self._replace(numbers=self.numbers + 1, item=(self.numbers + 1, value))

    def fingerprint(self) -> object:
        return self.version, self.finished, repr(self.item and (self.item[1],)), self.open

    def canonical(self, thing: Any) -> Any:
        """``thing`` without numbers: only whether a lease is still valid can matter later."""
        if isinstance(thing, Lease):
            return self.holds(thing)
        if isinstance(thing, Answer):
            return thing.entry, thing.lease and self.canonical(thing.lease)
        if isinstance(thing, Fill):
            return thing.entry, self.canonical(thing.lease)
        if isinstance(thing, Seen):
            return thing.value, self.item is not None and thing.unique == b"%d" % self.item[0]
        return thing

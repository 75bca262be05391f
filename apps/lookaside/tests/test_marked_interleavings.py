"""With marks, no read is stale from the COMMIT on, and a writer may be killed at any step."""

import os
from itertools import combinations_with_replacement
from types import SimpleNamespace
from typing import Any

import pytest

from apps.lookaside import marks as marking
from apps.lookaside import values
from apps.lookaside.backends import Lookaside
from apps.lookaside.marks import MAGIC
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.server import Options
from apps.lookaside.stores import Store
from apps.lookaside.tests.explorer import Program, Stale, explore, walk
from apps.lookaside.tests.model import Do, Model, ScheduledCommands, ScheduledStore
from apps.lookaside.tests.stepping import perform_on

# Two writers beside two readers take ten minutes.
READERS = 2 if os.environ.get("TORTURE") else 1
# Where a writer is killed; "" is nowhere. PostgreSQL rolls back what was not committed.
KILLED = (
    "",
    "before the mark",
    "within the mark",
    "before the commit",
    "before the hooks",
    "after the hooks",
)
# Without the pair of which neither does anything.
PAIRS = [
    pair
    for pair in combinations_with_replacement(KILLED[:-1], 2)
    if pair != ("before the mark", "before the mark")
]


class MarkingLookaside(Lookaside):
    waits = (0.0,)
    mark_seconds = 30
    record = b""

    def __init__(self) -> None:
        super().__init__({})


CACHE = MarkingLookaside()


@pytest.fixture(autouse=True)
def nothing_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    still = SimpleNamespace(time=lambda: 0.0)
    monkeypatch.setattr(values, "time", still)
    monkeypatch.setattr(marking, "time", still)
    monkeypatch.setattr(marking, "new_record", lambda seconds: CACHE.record)
    monkeypatch.setattr(CACHE, "_jittered", lambda ttl: ttl)


def reader(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    return CACHE.get_or_compute("k", lambda: int(do("read")))


def record(number: int) -> bytes:
    """A writer's record, which ends in 30 seconds of a clock that stands still."""
    return MAGIC + (30).to_bytes(4) + b"writer %d" % number


def writer(number: int, killed: str = "") -> Program:
    def program(do: Do) -> int:
        CACHE.store, CACHE.record = ScheduledStore(do), record(number)
        if killed == "before the mark":
            return 0
        if killed == "within the mark":
            do("append", CACHE._name("k"), CACHE.record)
            do("rollback", CACHE.record)
            return 0
        marks = CACHE.mark(["k"])
        if killed == "before the commit":
            do("rollback", CACHE.record)
            return 0
        version = int(do("commit", CACHE.record))
        if killed == "before the hooks":
            return 0
        assert CACHE.invalidate(["k"], marks=marks) == []
        return 0 if killed else version

    return program


@pytest.mark.parametrize("killed", KILLED)
def test_a_writer_killed_at_any_step_leaves_no_stale_read(killed: str) -> None:
    seen = explore(readers=[reader] * 3, writers=[writer(1, killed)], model=Model(is_strict=True))
    assert seen > 10


@pytest.mark.parametrize(("one", "other"), PAIRS)
def test_two_writers_leave_no_stale_read_wherever_they_are_killed(one: str, other: str) -> None:
    writers = [writer(1, one), writer(2, other)]
    assert explore(readers=[reader] * READERS, writers=writers, model=Model(is_strict=True)) > 10


class Numbered(Model):
    """Tells apart states with other numbers: a restarted memcached gives out the same ones again."""

    def fingerprint(self) -> object:
        return super().fingerprint(), self.item and self.item[0], self.numbers, self.epoch

    def canonical(self, thing: Any) -> Any:
        return thing


@pytest.mark.parametrize(("readers", "writers", "accidents"), [(2, 1, 1), (1, 1, 2), (READERS, 2, 0)])
def test_with_accidents_no_read_is_stale_after_the_invalidation(
    readers: int, writers: int, accidents: int
) -> None:
    programs = [writer(number) for number in range(writers)]
    seen = explore(readers=[reader] * readers, writers=programs, accidents=accidents, model=Numbered())
    assert seen > 50


@pytest.mark.parametrize("killed", KILLED)
def test_a_killed_writer_spoils_no_other_writers_invalidation(killed: str) -> None:
    writers = [writer(1), writer(2, killed)]
    accidents = READERS - 1
    assert explore(readers=[reader], writers=writers, accidents=accidents, model=Numbered()) > 50


@pytest.mark.parametrize("killed", KILLED)
def test_no_path_over_a_real_memcached_gives_a_stale_read(memcached: str, killed: str) -> None:
    store: Store = MemcachedStore([memcached], Options(timeout=5))
    perform = perform_on(store, CACHE._name("k"))
    assert walk(perform=perform, readers=[reader], writers=[writer(1, killed)], is_strict=True) >= 1


# ── The explorer finds known faults ───────────────────────────────────────────────────────────────


def unmarked_writer(do: Do) -> int:
    """Is killed after its COMMIT, without a mark."""
    do("commit")
    return 0


def careless(number: int) -> Program:
    """Deletes the item with the marks of others."""

    def program(do: Do) -> int:
        CACHE.store, CACHE.record = ScheduledStore(do), record(number)
        CACHE.mark(["k"])
        version = int(do("commit", CACHE.record))
        CACHE.store.delete([CACHE._name("k")])
        return version

    return program


def setting(number: int) -> Program:
    """Replaces the item by its mark, and with it the marks of others."""

    def program(do: Do) -> int:
        CACHE.store, CACHE.record = ScheduledStore(do), record(number)
        do("set", CACHE.record)
        do("append", CACHE._name("k"), b"")
        version = int(do("commit", CACHE.record))
        marks = marking.Marks(CACHE.record, {CACHE._name("k"): b""})
        marking.invalidate(ScheduledCommands(do), [CACHE._name("k")], marks)
        return version

    return program


@pytest.mark.parametrize(
    "writers",
    [
        [unmarked_writer],
        [careless(1), writer(2, "before the hooks")],
        [setting(1), writer(2, "before the hooks")],
    ],
    ids=["no mark", "deletes the marks of others", "overwrites the marks of others"],
)
def test_the_explorer_finds_what_is_wrong_with_other_ways(writers: list[Program]) -> None:
    with pytest.raises(Stale):
        explore(readers=[reader] * 2, writers=writers, model=Model(is_strict=True))


def test_a_mark_that_is_lost_before_its_commit_is_as_none() -> None:
    """What remains: a writer is killed, and memcached has just evicted its mark or lost it in a restart."""
    with pytest.raises(Stale, match=r"evicted|restarted"):
        explore(
            readers=[reader] * 2,
            writers=[writer(1, "before the hooks")],
            accidents=1,
            model=Model(is_strict=True),
        )

"""No read is stale, in any order of the steps of readers, writers and faults of memcached."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast

import pytest
from django.contrib.sessions.backends.cached_db import SessionStore
from django.core.cache.backends.base import DEFAULT_TIMEOUT, BaseCache
from django.core.cache.backends.memcached import PyMemcacheCache
from django.utils import timezone

from apps.lookaside import values
from apps.lookaside.backends import Lookaside
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.server import Options
from apps.lookaside.stores import Lease, LocalStore, Store
from apps.lookaside.tests.explorer import Program, Stale, explore, walk
from apps.lookaside.tests.model import Do, Model, ScheduledStore, Step
from apps.lookaside.tests.stepping import perform_on


class ScheduledLookaside(Lookaside):
    """The real cache over a scheduled store; a wait gives way to any steps of the others."""

    waits = (0.0,)

    def __init__(self) -> None:
        super().__init__({})


CACHE = ScheduledLookaside()


@pytest.fixture(autouse=True)
def time_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    """Then a value has one encoding, and equal states compare equal."""
    monkeypatch.setattr(values, "time", SimpleNamespace(time=lambda: 0.0))
    monkeypatch.setattr(CACHE, "_jittered", lambda ttl: ttl)


def reader(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    return CACHE.get_or_compute("k", lambda: int(do("read")))


def peeking_reader(do: Do) -> int:
    """Peeks at the key while it reads another one."""
    other = CACHE._name("other")
    CACHE.store = ScheduledStore(do, {other: values.encode(other, "there", schema=1, ttl=60)})
    with CACHE.peeking(["k"]):
        assert CACHE.get_or_compute("other", lambda: "computed") == "there"
        return CACHE.get_or_compute("k", lambda: int(do("read")))


def writer(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    version = int(do("commit"))
    assert CACHE.invalidate(["k"]) == []
    return version


@pytest.mark.parametrize(
    ("readers", "writers", "accidents"), [(1, 1, 2), (2, 1, 2), (2, 2, 2), (3, 1, 2), (3, 2, 1)]
)
def test_no_interleaving_of_readers_writers_and_accidents_gives_a_stale_read(
    readers: int, writers: int, accidents: int
) -> None:
    assert explore(readers=[reader] * readers, writers=[writer] * writers, accidents=accidents) > 50


@pytest.mark.parametrize(
    ("peeking", "readers", "writers", "accidents"), [(1, 1, 1, 2), (2, 1, 1, 1), (1, 1, 2, 1)]
)
def test_no_interleaving_with_peeks_gives_a_stale_read(
    peeking: int, readers: int, writers: int, accidents: int
) -> None:
    programs = [peeking_reader] * peeking + [reader] * readers
    assert explore(readers=programs, writers=[writer] * writers, accidents=accidents) > 50


@pytest.fixture(params=["memcached", "this process"])
def store(request: pytest.FixtureRequest) -> Iterator[Store]:
    if request.param == "memcached":
        yield MemcachedStore([request.getfixturevalue("memcached")], Options(timeout=5))
    else:
        yield LocalStore()


PATHS = {
    "one of each": ([reader], [writer]),
    "two readers": ([reader] * 2, [writer]),
    "two writers": ([reader], [writer] * 2),
    "a peek": ([peeking_reader], [writer]),
    "a peek and a reader": ([peeking_reader, reader], [writer]),
}


@pytest.mark.parametrize("case", PATHS)
def test_no_path_over_a_real_store_gives_a_stale_read(store: Store, case: str) -> None:
    readers, writers = PATHS[case]
    key = CACHE._name("k")

    assert walk(perform=perform_on(store, key), readers=readers, writers=writers) >= 8


# ── The explorer finds known faults ───────────────────────────────────────────────────────────────


class ScheduledDjangoCache(BaseCache):
    """Django's cache interface, in which every reader can set."""

    def __init__(self, do: Do) -> None:
        super().__init__({})
        self.do = do

    def get(self, key: str, default: Any = None, version: int | None = None) -> Any:
        found = self.do("get")
        return default if found is None else found

    def set(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> None:
        self.do("set", value)

    def add(self, key: str, value: Any, timeout: Any = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        return bool(self.do("add", value))

    def delete(self, key: str, version: int | None = None) -> bool:
        self.do("delete", b"k")
        return True


class ScheduledSession(SessionStore):
    """Django's own `cached_db` sessions over a scheduled row and cache."""

    def __init__(self, do: Do) -> None:
        super().__init__("s" * 32)
        self._cache = ScheduledDjangoCache(do)

    def _get_session_from_db(self) -> Any:
        return SimpleNamespace(session_data=self._cache.do("read"), expire_date=timezone.now())

    def decode(self, session_data: Any) -> Any:
        return session_data


def naive_reader(do: Do) -> int:
    cache = ScheduledDjangoCache(do)
    value = cache.get("k")
    if value is None:
        value = do("read")
        cache.set("k", value)
    return int(value)


def get_or_set_reader(do: Do) -> int:
    return cast("int", ScheduledDjangoCache(do).get_or_set("k", lambda: do("read")))


def session_reader(do: Do) -> int:
    return cast("int", ScheduledSession(do).load())


def deleting_writer(do: Do) -> int:
    version = do("commit")
    ScheduledDjangoCache(do).delete("k")
    return int(version)


@pytest.mark.parametrize("reader", [naive_reader, get_or_set_reader, session_reader])
def test_the_explorer_finds_the_stale_fill_of_djangos_own_ways(reader: Program) -> None:
    with pytest.raises(Stale, match=r"returned 0, and 1 was finished"):
        explore(readers=[reader] * 2, writers=[deleting_writer])


@pytest.mark.parametrize("reader", [naive_reader, get_or_set_reader, session_reader])
def test_the_explorer_finds_it_in_a_real_memcached_too(memcached: str, reader: Program) -> None:
    location = {"connect_timeout": 5, "timeout": 5, "default_noreply": False}
    cache = PyMemcacheCache(memcached, {"OPTIONS": location})

    def perform(step: Step) -> Any:
        return getattr(cache, step.name)("explored", *(step.arguments if step.name != "delete" else ()))

    with pytest.raises(Stale, match=r"returned 0, and 1 was finished"):
        walk(perform=perform, readers=[reader] * 2, writers=[deleting_writer])


class HolderSets(Model):
    """A lease that only elects one reader to compute; its fill is unconditional."""

    def holds(self, lease: Lease) -> bool:
        return bool(lease.granted_by == self.epoch)


class AnyConnection(Model):
    """A lease identified by its number alone, which a restarted memcached gives out again."""

    def holds(self, lease: Lease) -> bool:
        return self.item is not None and lease.unique == b"%d" % self.item[0]

    def fingerprint(self) -> object:
        return self.version, self.finished, repr(self.item), self.numbers

    def canonical(self, thing: Any) -> Any:
        return thing


def hasty_writer(do: Do) -> int:
    """Invalidates before the commit."""
    CACHE.store = ScheduledStore(do)
    CACHE.invalidate(["k"])
    return int(do("commit"))


def test_the_explorer_finds_the_fault_of_a_lease_whose_holder_sets() -> None:
    with pytest.raises(Stale):
        explore(readers=[reader] * 2, writers=[writer], model=HolderSets())


def test_the_explorer_finds_the_fault_of_a_lease_that_outlives_its_connection() -> None:
    explore(readers=[reader] * 3, writers=[writer], model=AnyConnection())
    with pytest.raises(Stale, match="restarted"):
        explore(readers=[reader] * 3, writers=[writer], accidents=1, model=AnyConnection())


def test_the_explorer_finds_the_fault_of_invalidating_before_the_commit() -> None:
    with pytest.raises(Stale):
        explore(readers=[reader] * 2, writers=[hasty_writer])

"""The near cache: bounded in bytes, the least recently used first, whole under threads."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import pytest

from apps.nearcache import NearCache


def cache_of(limit: int, *keys: str) -> NearCache[str, str]:
    """A cache with a value of 10 bytes for each key."""
    cache = NearCache[str, str](lambda: limit)
    for key in keys:
        cache.put(key, key.upper(), size=10)
    return cache


def kept(cache: NearCache[str, str]) -> list[str]:
    return list(cache._entries)


def test_a_value_is_found_under_its_key() -> None:
    cache = cache_of(100, "tea", "milk")
    assert cache.get("tea") == "TEA"
    assert cache.get("coffee") is None
    assert cache.get_many(["milk", "coffee", "tea"]) == {"milk": "MILK", "tea": "TEA"}
    assert (cache.hits, cache.misses) == (3, 2)


def test_it_evicts_the_least_recently_used_values_above_its_limit() -> None:
    cache = cache_of(30, "a", "b", "c")
    cache.get("a")
    cache.put("d", "D", size=10)
    assert kept(cache) == ["c", "a", "d"]
    cache.get_many(["c"])
    cache.put("e", "E", size=20)
    assert kept(cache) == ["c", "e"]


def test_a_value_that_replaces_another_counts_once() -> None:
    cache = cache_of(30, "a", "b", "a", "a")
    assert kept(cache) == ["b", "a"]
    assert cache._bytes == 20


def test_a_value_above_the_limit_evicts_nothing() -> None:
    cache = cache_of(30, "a", "b")
    cache.put("large", "L", size=31)
    assert kept(cache) == ["a", "b"]


def test_with_a_limit_of_zero_it_keeps_nothing() -> None:
    assert kept(cache_of(0, "a", "b")) == []


def test_cleared_it_is_empty() -> None:
    cache = cache_of(30, "a", "b")
    cache.clear()
    assert (kept(cache), cache._bytes) == ([], 0)


class WatchedEntries(OrderedDict[Any, Any]):
    """Entries that let another thread run in the middle of an eviction."""

    interrupt: Callable[[], None] = staticmethod(lambda: None)

    def popitem(self, last: bool = True) -> Any:
        self.interrupt()
        return super().popitem(last)


class WatchedLock:
    """A lock that reports when a second thread waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.is_awaited = threading.Event()

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self.is_awaited.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def test_a_thread_that_puts_a_value_does_not_disturb_the_eviction_of_another() -> None:
    """Without the lock, the second thread takes the value that the first one is about to evict."""
    cache = cache_of(10)
    entries, lock = WatchedEntries(), WatchedLock()
    cache._entries, cache._lock = entries, lock  # type: ignore[assignment]
    errors: list[BaseException] = []

    def put() -> None:
        try:
            cache.put("third", "3", size=10)
        except BaseException as error:
            errors.append(error)
        lock.is_awaited.set()  # or done, where there is no lock to wait for

    other = threading.Thread(target=put)

    def interrupt() -> None:
        entries.interrupt = lambda: None
        other.start()
        assert lock.is_awaited.wait(60)

    cache.put("first", "1", size=10)
    entries.interrupt = interrupt
    cache.put("second", "2", size=10)
    other.join()
    assert not errors
    assert (kept(cache), cache._bytes) == (["third"], 10)


@pytest.mark.parametrize("read", ["get", "get_many"])
def test_a_read_during_an_eviction_waits_for_it(read: str) -> None:
    """Without the lock it gets the value that the other thread is about to evict."""
    cache = cache_of(20, "a", "b")
    entries, lock = WatchedEntries(cache._entries), WatchedLock()
    cache._entries, cache._lock = entries, lock  # type: ignore[assignment]
    found: list[Any] = []

    def get() -> None:
        found.append(cache.get("a") if read == "get" else cache.get_many(["a"]).get("a"))
        lock.is_awaited.set()

    reader = threading.Thread(target=get)

    def interrupt() -> None:
        entries.interrupt = lambda: None
        reader.start()
        assert lock.is_awaited.wait(60)

    entries.interrupt = interrupt
    cache.put("c", "C", size=10)
    reader.join()
    assert found == [None]

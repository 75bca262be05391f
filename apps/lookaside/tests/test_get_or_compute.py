"""`get_or_compute` and `invalidate` as callers see them, in memcached and in this process."""

import itertools
import os
import threading
import time
import warnings
from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from apps import lookaside
from apps.lookaside import stats
from apps.lookaside.backends import LocalLookaside, Lookaside, NoLookaside
from apps.lookaside.values import LARGEST
from tests.support.concurrency import at_once


def numbers() -> Callable[[], int]:
    """A computation with a new result each time."""
    return itertools.count(1).__next__


def never(*_: object) -> Any:
    raise AssertionError("computed again")


@pytest.mark.parametrize(
    "value",
    [b"bytes \x00\xff", "words", 7, 1.5, True, None, [], {"a": [1, None]}, "kwip " * 5000, b"x" * 9000],
)
def test_a_computed_value_is_cached(cache: Lookaside, value: object) -> None:
    assert cache.get_or_compute("a", lambda: value) == value
    again: object = cache.get_or_compute("a", never)
    assert again == value
    assert type(again) is type(value)


@pytest.mark.parametrize(
    "key", ["", "a b", "line\r\nflush_all\r\n", "ü" * 500, "x" * 10_000, "\x00", "k\ud800"[:1]]
)
def test_any_text_is_a_key(cache: Lookaside, key: str) -> None:
    cache.get_or_compute("other", lambda: "other")
    cache.get_or_compute(key, lambda: "value")
    assert cache.get_or_compute(key, never) == "value"
    assert cache.invalidate([key]) == []
    assert cache.get_or_compute(key, lambda: "new") == "new"
    assert cache.get_or_compute("other", never) == "other"


def test_a_value_has_the_same_types_on_a_hit_and_on_a_miss(cache: Lookaside) -> None:
    computed: object = cache.get_or_compute("a", lambda: {1: (2, 3)})
    assert computed == cache.get_or_compute("a", never) == {"1": [2, 3]}
    with lookaside.bypassed():
        assert cache.get_or_compute("a", lambda: {1: (2, 3)}) == computed


def test_missing_keys_are_computed_in_one_call_and_returned_in_order(cache: Lookaside) -> None:
    cache.get_or_compute("b", lambda: "B")
    computed: list[list[str]] = []

    def compute(keys: list[str]) -> dict[str, str]:
        computed.append(keys)
        return {key: key.upper() for key in keys if key != "gone"}

    found = cache.get_many_or_compute(["c", "b", "gone", "a", "c"], compute)
    assert list(found.items()) == [("c", "C"), ("b", "B"), ("gone", None), ("a", "A")]
    assert computed == [["c", "gone", "a"]]
    assert cache.get_many_or_compute(["a", "gone", "b"], never) == {"a": "A", "gone": None, "b": "B"}
    assert cache.get_many_or_compute([], never) == {}


def test_an_invalidated_key_is_computed_again(cache: Lookaside) -> None:
    compute = numbers()
    assert [cache.get_or_compute("a", compute) for _ in range(3)] == [1, 1, 1]
    assert cache.invalidate(["a", "never there"]) == []
    assert cache.get_or_compute("a", compute) == 2


def test_a_value_computed_before_an_invalidation_is_not_stored(cache: Lookaside) -> None:
    def compute() -> str:
        cache.invalidate(["a"])
        return "old"

    assert cache.get_or_compute("a", compute) == "old"
    assert cache.get_or_compute("a", lambda: "new") == "new"


def test_a_second_reader_waits_for_the_holder_of_the_lease(cache: Lookaside) -> None:
    cache.waits = [0.01] * 1000
    computing = threading.Event()
    waiting = threading.Event()

    def pause(seconds: float) -> None:
        waiting.set()
        time.sleep(seconds)

    cache._pause = pause  # type: ignore[method-assign]

    def slow() -> str:
        computing.set()
        waiting.wait(30)
        return "once"

    def second() -> str:
        computing.wait(30)
        return str(cache.get_or_compute("a", never))

    assert at_once([lambda: cache.get_or_compute("a", slow), second]) == ["once", "once"]


def test_a_reader_that_waited_in_vain_computes_and_stores_nothing(cache: Lookaside) -> None:
    cache.waits = [0.001, 0.001]

    def first() -> str:
        with stats.collected() as counted:
            assert cache.get_or_compute("a", lambda: "second") == "second"
        assert counted.waits == 2
        return "first"

    cache.get_or_compute("a", first)
    assert cache.get_or_compute("a", never) == "first"


def test_the_holder_of_a_lease_does_not_wait_for_another_lease(cache: Lookaside) -> None:
    def first(_: list[str]) -> dict[str, str]:
        with stats.collected() as counted:
            cache.get_many_or_compute(["a", "b"], lambda keys: dict.fromkeys(keys, "second"))
        assert counted.waits == 0
        return {"a": "first"}

    assert cache.get_many_or_compute(["a"], first) == {"a": "first"}
    assert cache.get_many_or_compute(["a", "b"], never) == {"a": "first", "b": "second"}


@pytest.mark.parametrize("result", [ZeroDivisionError, {1, 2}, float("nan"), object()])
def test_a_failed_computation_releases_its_lease(cache: Lookaside, result: Any) -> None:
    def compute() -> Any:
        return 1 / 0 if result is ZeroDivisionError else result

    with pytest.raises((ZeroDivisionError, TypeError, ValueError)):
        cache.get_or_compute("a", compute)
    with stats.collected() as counted:
        assert cache.get_or_compute("a", lambda: 1) == 1
    assert counted.waits == 0
    assert cache.get_or_compute("a", never) == 1


def test_a_value_that_is_too_large_is_returned_and_not_stored(cache: Lookaside) -> None:
    assert_is_never_stored(cache, os.urandom(LARGEST))


def test_a_value_that_memcached_refuses_is_returned_and_not_stored(
    in_memcached: Lookaside, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.lookaside.memcached.LARGEST", 10_000_000)
    assert_is_never_stored(in_memcached, os.urandom(1_100_000))


def assert_is_never_stored(cache: Lookaside, value: bytes) -> None:
    computed = []

    def compute() -> bytes:
        computed.append(1)
        return value

    for times in (1, 2):
        with stats.collected() as counted:
            assert cache.get_or_compute("too large", compute) == value
        assert (counted.waits, counted.failures, len(computed)) == (0, 0, times)


@pytest.mark.parametrize("ttl", [0, -1, 31 * 24 * 3600])
def test_a_ttl_that_memcached_would_misread_is_refused(cache: Lookaside, ttl: int) -> None:
    with pytest.raises(ValueError, match="TTL"):
        cache.get_or_compute("a", never, ttl=ttl)


def test_another_schema_is_a_miss_and_an_invalidation_reaches_every_schema(cache: Lookaside) -> None:
    assert cache.get_or_compute("a", lambda: "first", schema=1) == "first"
    assert cache.get_or_compute("a", lambda: "second", schema=2) == "second"
    assert cache.get_or_compute("a", never, schema=2) == "second"
    cache.invalidate(["a"])
    assert cache.get_or_compute("a", lambda: "third", schema=2) == "third"


def test_djangos_other_write_methods_are_missing(cache: Lookaside) -> None:
    for attempt in (lambda: cache.set("a", 1), lambda: cache.add("a", 1), lambda: cache.touch("a")):
        with pytest.raises(NotImplementedError):
            attempt()


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_reads_compute_and_store_nothing(cache: Lookaside) -> None:
    compute = numbers()
    with stats.collected() as counted, transaction.atomic():
        assert [cache.get_or_compute("a", compute) for _ in range(2)] == [1, 2]
    assert counted == stats.Counts()
    assert [cache.get_or_compute("a", compute) for _ in range(2)] == [3, 3]
    with transaction.atomic():
        assert cache.get_or_compute("a", compute) == 4
    transaction.set_autocommit(False)
    try:
        assert cache.get_or_compute("a", compute) == 5
    finally:
        transaction.rollback()
        transaction.set_autocommit(True)
    assert cache.get_or_compute("a", compute) == 3


def test_hits_misses_and_round_trips_are_counted_for_this_thread(in_memcached: Lookaside) -> None:
    cache = in_memcached
    keys = [str(number) for number in range(100)]
    cache.invalidate(keys)
    with stats.collected() as outer:
        with stats.collected() as cold:
            cache.get_many_or_compute(keys, lambda keys: dict.fromkeys(keys, 1))
        with stats.collected() as warm:
            cache.get_many_or_compute(keys, never)
            at_once([lambda: cache.get_or_compute("0", never)])
    assert (cold.round_trips, cold.hits, cold.misses) == (2, 0, 100)
    assert (warm.round_trips, warm.hits, warm.misses) == (1, 100, 0)
    assert (outer.round_trips, outer.hits, outer.misses) == (3, 100, 100)
    assert 0 < warm.seconds < outer.seconds
    assert outer.failures == 0


def test_more_keys_than_one_round_trip_carries_are_read_and_filled(cache: Lookaside) -> None:
    keys = [str(number) for number in range(1050)]
    assert cache.get_many_or_compute(keys, lambda keys: {key: key * 9 for key in keys})["7"] == "777777777"
    assert list(cache.get_many_or_compute(keys, never)) == keys
    assert cache.invalidate(keys) == []


def test_an_entry_in_this_process_expires_after_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    """Other processes can't invalidate it, so this bounds how stale it gets."""
    cache = LocalLookaside("five seconds", {})
    now = time.monotonic()
    monkeypatch.setattr("apps.lookaside.stores.monotonic", lambda: now)
    cache.get_or_compute("a", lambda: "old", ttl=300)
    assert cache.get_or_compute("a", never) == "old"
    now += 5.001
    assert cache.get_or_compute("a", lambda: "new", ttl=300) == "new"


def test_a_child_process_does_not_use_its_parents_entries() -> None:
    """The parent's invalidations would not reach a copy."""
    cache = LocalLookaside("forked", {})
    cache.get_or_compute("a", lambda: "the parent's")
    reads, writes = os.pipe()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # about a fork in a process with threads
        child = os.fork()
    if child == 0:
        os.write(writes, str(cache.get_or_compute("a", lambda: "the child's")).encode())
        os._exit(0)
    os.waitpid(child, 0)
    assert os.read(reads, 100).decode() == "the child's"
    os.close(reads)
    os.close(writes)
    assert cache.get_or_compute("a", never) == "the parent's"


def test_without_a_cache_each_read_computes() -> None:
    cache = NoLookaside("", {})
    compute = numbers()
    assert [cache.get_or_compute("a", compute) for _ in range(2)] == [1, 2]
    assert cache.invalidate(["a"]) == []


def test_a_value_is_replaced_unless_it_changes_meanwhile(cache: Lookaside) -> None:
    cache.get_or_compute("a", lambda: "first")
    assert cache.get_or_compute("a", lambda: "second", replace=True) == "second"
    assert cache.get_or_compute("a", lambda: "third") == "second"

    def invalidated_meanwhile() -> str:
        cache.invalidate(["a"])
        return "stale"

    assert cache.get_or_compute("a", invalidated_meanwhile, replace=True) == "stale"
    assert cache.get_or_compute("a", lambda: "third") == "third"

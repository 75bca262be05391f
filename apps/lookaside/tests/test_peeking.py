"""`peeking`: one round trip for two reads, no lease for the second, nothing kept after the block."""

from collections.abc import Callable
from typing import Any

import pytest
from django.db import transaction

from apps import lookaside
from apps.lookaside import stats
from apps.lookaside.backends import LocalLookaside, Lookaside, NoLookaside
from apps.lookaside.tests.conftest import cache_at
from apps.lookaside.tests.test_get_or_compute import never, numbers
from deploy.local.memcached import Memcached
from tests.support.concurrency import at_once


def fill(cache: Lookaside, **entries: object) -> None:
    cache.invalidate(list(entries))
    for key, value in entries.items():
        cache.get_or_compute(key, lambda value=value: value)  # type: ignore[misc]


def test_two_reads_take_one_round_trip(in_memcached: Lookaside) -> None:
    fill(in_memcached, session="ann's", ann="Ann")
    with stats.collected() as counted, in_memcached.peeking(["ann"]):
        assert in_memcached.get_or_compute("session", never) == "ann's"
        assert in_memcached.get_or_compute("ann", never) == "Ann"
    assert (counted.round_trips, counted.hits, counted.misses) == (1, 2, 0)


def test_a_peek_that_is_not_used_makes_no_other_reader_wait(cache: Lookaside) -> None:
    fill(cache, session="ann's")
    with cache.peeking(["bob"]):
        assert cache.get_or_compute("session", never) == "ann's"
    with stats.collected() as counted:
        assert cache.get_or_compute("bob", lambda: "Bob") == "Bob"
    assert (counted.waits, counted.hits) == (0, 0)
    assert cache.get_or_compute("bob", never) == "Bob"


def test_a_key_that_a_peek_did_not_find_is_read_under_a_lease(cache: Lookaside) -> None:
    fill(cache, session="ann's")
    with stats.collected() as counted, cache.peeking(["ann"]):
        assert cache.get_or_compute("session", never) == "ann's"
        assert cache.get_or_compute("ann", lambda: "Ann") == "Ann"
    assert (counted.waits, counted.hits, counted.misses) == (0, 1, 1)
    assert cache.get_or_compute("ann", never) == "Ann"


def test_a_peek_while_another_reader_holds_the_lease_finds_nothing(cache: Lookaside) -> None:
    cache.waits = [0.001]
    fill(cache, session="ann's")

    def slow() -> str:
        with cache.peeking(["ann"]):
            assert cache.get_or_compute("session", never) == "ann's"
            assert cache.get_or_compute("ann", lambda: "read twice") == "read twice"
        return "Ann"

    assert cache.get_or_compute("ann", slow) == "Ann"
    assert cache.get_or_compute("ann", never) == "Ann"


def test_an_entry_that_was_peeked_at_is_used_once_and_in_its_block_only(cache: Lookaside) -> None:
    compute = numbers()
    fill(cache, session="ann's", ann=0)
    with cache.peeking(["ann"]):
        cache.get_or_compute("session", never)
        assert cache.get_or_compute("ann", never) == 0
        at_once([lambda: cache.invalidate(["ann"])])
        assert cache.get_or_compute("ann", compute) == 1
    with cache.peeking(["ann"]):
        cache.get_or_compute("session", never)
    at_once([lambda: cache.invalidate(["ann"])])
    assert cache.get_or_compute("ann", compute) == 2


def test_an_invalidation_inside_the_block_ends_its_peeks(cache: Lookaside) -> None:
    fill(cache, session="ann's", ann="old")
    with cache.peeking(["ann"]):
        cache.get_or_compute("session", never)
        cache.invalidate(["ann"])
        assert cache.get_or_compute("ann", lambda: "new") == "new"


def test_the_first_read_of_a_block_may_be_that_of_the_peek(cache: Lookaside) -> None:
    cache.invalidate(["ann"])
    with cache.peeking(["ann"]):
        assert cache.get_or_compute("ann", lambda: "Ann") == "Ann"
        assert cache.get_or_compute("ann", never) == "Ann"


def test_a_peek_of_another_schema_is_read_again_without_a_wait(cache: Lookaside) -> None:
    fill(cache, session="ann's", ann="first")
    with stats.collected() as counted, cache.peeking(["ann"]):
        cache.get_or_compute("session", never)
        assert cache.get_or_compute("ann", lambda: "second", schema=2) == "second"
    assert counted.waits == 0
    assert cache.get_or_compute("ann", never, schema=2) == "second"


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("bypassing", [transaction.atomic, lookaside.bypassed])
def test_what_bypasses_the_cache_uses_no_peek(cache: Lookaside, bypassing: Callable[[], Any]) -> None:
    fill(cache, session="ann's", ann="cached")
    with cache.peeking(["ann"]):
        cache.get_or_compute("session", never)
        with bypassing():
            assert cache.get_or_compute("ann", lambda: "computed") == "computed"


def test_another_cache_and_no_cache_use_no_peek(cache: Lookaside) -> None:
    other, off = LocalLookaside("other", {}), NoLookaside("", {})
    fill(cache, session="ann's", ann="here")
    fill(other, ann="there")
    with cache.peeking(["ann"]):
        cache.get_or_compute("session", never)
        assert other.get_or_compute("ann", never) == "there"
        assert off.get_or_compute("ann", lambda: "computed") == "computed"
        assert cache.get_or_compute("ann", never) == "here"
    with off.peeking(["ann"]):
        assert off.get_or_compute("session", lambda: "computed") == "computed"


def test_a_peek_at_a_server_that_is_down_finds_nothing(start_server: Callable[..., Memcached]) -> None:
    up, down = start_server(), start_server()
    cache = cache_at(up.address, down.address, dead_timeout=1000)
    names = [f"key {number}" for number in range(20)]
    on_up = [name for name in names if cache.store._batches([cache._name(name)])[0][0].address == up.address]  # type: ignore[attr-defined]
    on_down = [name for name in names if name not in on_up]
    fill(cache, **{on_up[0]: 1, on_down[0]: 2})
    down.stop()
    with cache.peeking([on_down[0]]):
        assert cache.get_or_compute(on_up[0], never) == 1
        assert cache.get_or_compute(on_down[0], lambda: 3) == 3
    with cache.peeking([on_up[0]]):
        assert cache.get_or_compute(on_down[0], lambda: 3) == 3
        assert cache.get_or_compute(on_up[0], never) == 1

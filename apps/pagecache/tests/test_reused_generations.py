"""GENERATIONS_TTL_MS: a process reuses generations for that long, and notices its own purges at once."""

from collections.abc import Callable
from typing import Any
from unittest import mock

import pytest
from django.conf import LazySettings
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import purge, surrogate, wrapped
from apps.pagecache.surrogate import generation_key
from apps.pagecache.tests.conftest import OPTIONS, Visitor, cache, status
from apps.pagecache.tests.urls import hooks, shown

TTL = 0.005


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(surrogate, "monotonic", clock)
    monkeypatch.setattr(surrogate, "_reused", {})
    return clock


@pytest.fixture
def reusing(visitor: Visitor, settings: LazySettings, clock: Clock) -> Visitor:
    """A visitor of a site with the option, whose page of ann is cached."""
    settings.PAGECACHE = {**OPTIONS, "GENERATIONS_TTL_MS": 5}
    reusing = Visitor(wrapped(WSGIHandler()))
    cache(reusing, "/ann/")
    clock.now += 1
    return reusing


def purge_elsewhere() -> None:
    """As another process does: this one's dictionary stays."""
    caches["lookaside"].delete(generation_key("user:ann"))


def reads(visitor: Visitor) -> int:
    """How often a request for ann's page reads from the cache."""
    cache = caches["lookaside"]
    read = cache.get_many_or_compute  # type: ignore[attr-defined]
    with mock.patch.object(cache, "get_many_or_compute", side_effect=read) as spy:
        assert status(visitor.get("/ann/")) == "hit"
    return spy.call_count


def test_a_hit_within_the_ttl_sends_nothing_to_memcached(reusing: Visitor, clock: Clock) -> None:
    assert [reads(reusing) for _ in range(3)] == [1, 0, 0]
    clock.now += TTL
    assert reads(reusing) == 1


def test_without_the_option_each_hit_reads_generations(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    assert [reads(visitor) for _ in range(3)] == [1, 1, 1]
    assert surrogate._reused == {}


def test_a_purge_of_this_process_is_noticed_at_once(reusing: Visitor) -> None:
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    shown["ann"] = "coffee"
    purge(["user:ann"])
    assert reusing.text("/ann/") == "<p>ann: coffee</p>"


def test_a_purge_of_another_process_is_noticed_after_the_ttl(reusing: Visitor, clock: Clock) -> None:
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    shown["ann"] = "coffee"
    purge_elsewhere()
    clock.now += TTL * 0.9
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    clock.now += TTL * 0.1
    assert reusing.text("/ann/") == "<p>ann: coffee</p>"


def test_a_page_rendered_before_a_purge_and_stored_after_it_is_served_until_the_ttl_ends(
    reusing: Visitor, clock: Clock
) -> None:
    def change() -> None:
        shown["ann"] = "coffee"
        purge_elsewhere()
        hooks.clear()

    purge(["user:ann"])
    hooks.append(change)
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    clock.now += TTL * 0.9
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    for _ in range(3):
        clock.now += TTL
        assert reusing.text("/ann/") == "<p>ann: coffee</p>"


def during_the_read(act: Callable[[], object], monkeypatch: pytest.MonkeyPatch) -> None:
    """``act`` happens once, after memcached has replied and before the reader has the generations."""
    read = surrogate._read

    def overtaken(*arguments: Any) -> Any:
        found = read(*arguments)
        monkeypatch.setattr(surrogate, "_read", read)
        act()
        return found

    monkeypatch.setattr(surrogate, "_read", overtaken)


def test_generations_that_a_purge_of_this_process_overtook_are_not_reused(
    reusing: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        shown["ann"] = "coffee"
        purge(["user:ann"])

    during_the_read(change, monkeypatch)
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    assert reusing.text("/ann/") == "<p>ann: coffee</p>"


def test_the_ttl_counts_from_before_the_read(
    reusing: Visitor, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change() -> None:
        shown["ann"] = "coffee"
        purge_elsewhere()
        clock.now += TTL

    during_the_read(change, monkeypatch)
    assert reusing.text("/ann/") == "<p>ann: tea</p>"
    assert reusing.text("/ann/") == "<p>ann: coffee</p>"


def test_the_number_of_pages_whose_generations_are_reused_is_bounded(
    reusing: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surrogate, "MAX_REUSED", 2)
    for path in ("/ann/", "/bob/", "/tag/ann/", "/tag/bob/", "/bob/"):
        reusing.get(path)
        assert len(surrogate._reused) <= 2
    assert status(reusing.get("/ann/")) == "hit"

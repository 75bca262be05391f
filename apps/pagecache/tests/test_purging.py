"""After a purge nobody sees what was before it, whatever happened at the same time."""

import time

import pytest
from django.conf import LazySettings
from django.core.cache import caches

from apps.pagecache import purge
from apps.pagecache.tests.conftest import Visitor, keep, status
from apps.pagecache.tests.urls import hooks, made, shown
from apps.pagecache.wsgi import generation_key


def test_a_purge_takes_its_family_back_and_nothing_else(visitor: Visitor) -> None:
    keep(visitor, "/ann/", "/ann/?sort=active", "/bob/", "/tag/ann/")
    shown["ann"] = "coffee"
    assert purge(["user:ann"]) == []
    assert status(visitor.get("/ann/")) == "fwd=miss"
    assert visitor.text("/ann/?sort=active") == "<p>ann: coffee</p>"
    assert status(visitor.get("/bob/")) == "hit"
    assert visitor.text("/tag/ann/") == "<p>ann: tea</p>"
    # It was asked for before: it is kept again at once.
    assert status(visitor.get("/ann/")) == "hit"


def test_any_of_a_pages_keys_takes_it_back(visitor: Visitor) -> None:
    keep(visitor, "/ann/", "/bob/", "/tag/ann/")
    shown.update(ann="coffee", bob="water")
    purge(["people"])
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    assert visitor.text("/bob/") == "<p>bob: water</p>"
    assert status(visitor.get("/tag/ann/")) == "hit"


def test_a_page_that_was_read_before_a_change_and_kept_after_it_is_not_shown(visitor: Visitor) -> None:
    visitor.get("/ann/")

    def change() -> None:
        shown["ann"] = "coffee"
        purge(["user:ann"])
        hooks.clear()

    hooks.append(change)
    assert visitor.text("/ann/") == "<p>ann: tea</p>"
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    assert made["/ann/"] == 3


def test_a_generation_that_was_evicted_brings_nothing_back(visitor: Visitor) -> None:
    keep(visitor, "/ann/")
    shown["ann"] = "coffee"
    caches["lookaside"].delete(generation_key("user:ann"))
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    shown["ann"] = "tea"
    caches["lookaside"].delete(generation_key("user:ann"))
    assert visitor.text("/ann/") == "<p>ann: tea</p>"
    assert made["/ann/"] == 4


def test_a_purge_that_was_lost_is_missed_for_five_minutes_at_most(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generations live longer than that; it is the page's own time that ends."""
    keep(visitor, "/ann/")
    shown["ann"] = "coffee"
    assert visitor.text("/ann/") == "<p>ann: tea</p>"
    later = time.time() + 301
    for clock in ("apps.lookaside.values.time.time", "apps.pagecache.met.time", "apps.pagecache.wsgi.time"):
        monkeypatch.setattr(clock, lambda: later)
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"


def test_a_key_that_nobody_uses_can_be_purged(visitor: Visitor) -> None:
    assert purge(["user:nobody", "tag:none"]) == []


def test_purges_that_fail_are_told(visitor: Visitor, settings: LazySettings) -> None:
    settings.CACHES = settings.CACHES | {
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    assert purge(["user:ann", "people"]) == ["user:ann", "people"]

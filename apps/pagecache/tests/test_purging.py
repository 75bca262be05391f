"""After a purge no request gets an older page, whatever ran at the same time."""

import time

import pytest
from django.conf import LazySettings
from django.core.cache import caches

from apps.pagecache import purge
from apps.pagecache.surrogate import generation_key
from apps.pagecache.tests.conftest import Visitor, cache, status
from apps.pagecache.tests.urls import hooks, rendered, shown


def test_a_purge_reaches_every_page_of_its_key_and_no_other(visitor: Visitor) -> None:
    cache(visitor, "/ann/", "/ann/?sort=active", "/bob/", "/tag/ann/")
    shown["ann"] = "coffee"
    assert purge(["user:ann"]) == []
    assert status(visitor.get("/ann/")) == "fwd=miss"
    assert visitor.text("/ann/?sort=active") == "<p>ann: coffee</p>"
    assert status(visitor.get("/bob/")) == "hit"
    assert visitor.text("/tag/ann/") == "<p>ann: tea</p>"
    # Within the admission window it is stored on its first request.
    assert status(visitor.get("/ann/")) == "hit"


def test_each_key_of_a_page_purges_it(visitor: Visitor) -> None:
    cache(visitor, "/ann/", "/bob/", "/tag/ann/")
    shown.update(ann="coffee", bob="water")
    purge(["people"])
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    assert visitor.text("/bob/") == "<p>bob: water</p>"
    assert status(visitor.get("/tag/ann/")) == "hit"


def test_a_page_rendered_before_a_purge_and_stored_after_it_is_not_served(visitor: Visitor) -> None:
    visitor.get("/ann/")

    def change() -> None:
        shown["ann"] = "coffee"
        purge(["user:ann"])
        hooks.clear()

    hooks.append(change)
    assert visitor.text("/ann/") == "<p>ann: tea</p>"
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    assert rendered["/ann/"] == 3


def test_an_evicted_generation_does_not_bring_an_old_page_back(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    shown["ann"] = "coffee"
    caches["lookaside"].delete(generation_key("user:ann"))
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"
    shown["ann"] = "tea"
    caches["lookaside"].delete(generation_key("user:ann"))
    assert visitor.text("/ann/") == "<p>ann: tea</p>"
    assert rendered["/ann/"] == 4


def test_a_lost_purge_leaves_a_stale_page_for_five_minutes_at_most(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Generations live longer; the page's own TTL ends."""
    cache(visitor, "/ann/")
    shown["ann"] = "coffee"
    assert visitor.text("/ann/") == "<p>ann: tea</p>"
    later = time.time() + 301
    for module in ("lookaside.values.time", "pagecache.near_cache", "pagecache.wsgi"):
        monkeypatch.setattr(f"apps.{module}.time", lambda: later)
    assert visitor.text("/ann/") == "<p>ann: coffee</p>"


def test_an_unused_key_can_be_purged(visitor: Visitor) -> None:
    assert purge(["user:nobody", "tag:none"]) == []


def test_failed_purges_are_returned(visitor: Visitor, settings: LazySettings) -> None:
    settings.CACHES = settings.CACHES | {
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    assert purge(["user:ann", "people"]) == ["user:ann", "people"]

"""Pages that this process has met: one round trip fewer, and no page that memcached would not give."""

from time import time
from typing import Any

import pytest
from django.core.cache import caches

from apps.pagecache import met, purge
from apps.pagecache.met import Met
from apps.pagecache.pages import Page
from apps.pagecache.tests import urls
from apps.pagecache.tests.conftest import Visitor, keep, status


def page(size: int = 10, *, until: float = 1e12) -> Page:
    return Page([], "etag", b"x" * size, until)


@pytest.fixture
def asked_for(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The pages that memcached was asked for."""
    keys: list[str] = []
    cache: Any = caches["lookaside"]
    get = cache.get_or_compute

    def noted(key: str, *arguments: Any, **options: Any) -> Any:
        keys.append(key)
        return get(key, *arguments, **options)

    monkeypatch.setattr(cache, "get_or_compute", noted)
    return keys


def test_a_page_that_was_met_is_not_sent_again(visitor: Visitor, asked_for: list[str]) -> None:
    keep(visitor, "/ann/")
    asked_for.clear()
    assert status(visitor.get("/ann/")) == "hit"
    assert asked_for == []


def test_a_page_that_was_met_is_forgotten_with_its_purge(visitor: Visitor) -> None:
    keep(visitor, "/ann/")
    urls.shown["ann"] = "coffee"
    assert "tea" in visitor.text("/ann/")
    purge(["user:ann"])
    assert "coffee" in visitor.text("/ann/")


def test_a_page_that_was_met_is_not_shown_beyond_its_time(
    visitor: Visitor, asked_for: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    keep(visitor, "/ann/")
    asked_for.clear()
    later = time() + 301
    monkeypatch.setattr(met, "time", lambda: later)
    visitor.get("/ann/")
    assert len(asked_for) == 1


def test_no_more_is_kept_than_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(met, "MOST_BYTES", 25)
    pages = Met()
    for key in ("a", "b", "b", "c"):
        pages.add(key, page())
    kept: dict[str, Any] = {key: pages.get(key) for key in "abc"}
    assert [key for key in kept if kept[key]] == ["b", "c"]
    assert pages._bytes == 20

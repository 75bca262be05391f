"""The near cache: one round trip fewer, and the same pages as memcached."""

from time import time
from typing import Any

import pytest
from django.core.cache import caches

from apps.pagecache import near_cache, purge
from apps.pagecache.near_cache import NearCache
from apps.pagecache.responses import Page
from apps.pagecache.tests import urls
from apps.pagecache.tests.conftest import Visitor, cache, status


def page(size: int = 10, *, until: float = 1e12) -> Page:
    return Page([], "etag", b"x" * size, until)


@pytest.fixture
def keys_read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The keys of the pages that were read from memcached."""
    keys: list[str] = []
    cache: Any = caches["lookaside"]
    get = cache.get_or_compute

    def recorded(key: str, *arguments: Any, **options: Any) -> Any:
        keys.append(key)
        return get(key, *arguments, **options)

    monkeypatch.setattr(cache, "get_or_compute", recorded)
    return keys


def test_a_page_in_the_near_cache_is_not_read_from_memcached(visitor: Visitor, keys_read: list[str]) -> None:
    cache(visitor, "/ann/")
    keys_read.clear()
    assert status(visitor.get("/ann/")) == "hit"
    assert keys_read == []


def test_a_purge_makes_the_near_page_unreachable(visitor: Visitor) -> None:
    cache(visitor, "/ann/")
    urls.shown["ann"] = "coffee"
    assert "tea" in visitor.text("/ann/")
    purge(["user:ann"])
    assert "coffee" in visitor.text("/ann/")


def test_a_near_page_is_not_served_after_its_ttl(
    visitor: Visitor, keys_read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cache(visitor, "/ann/")
    keys_read.clear()
    later = time() + 301
    monkeypatch.setattr(near_cache, "time", lambda: later)
    visitor.get("/ann/")
    assert len(keys_read) == 1


def test_the_near_cache_is_bounded_in_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(near_cache, "MAX_BYTES", 25)
    pages = NearCache()
    for key in ("a", "b", "b", "c"):
        pages.add(key, page())
    found: dict[str, Any] = {key: pages.get(key) for key in "abc"}
    assert [key for key in found if found[key]] == ["b", "c"]
    assert pages._pages._bytes == 20

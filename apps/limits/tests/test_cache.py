"""Where allauth counts."""

import pytest
from django.core.cache import cache
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps import limits
from apps.limits.models import CacheEntry, RateLimitWindow
from apps.limits.tests.clock import let_pass
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


def expire() -> None:
    CacheEntry.objects.update(expires="2000-01-01T00:00Z")


def test_it_keeps_gives_and_forgets_as_any_cache() -> None:
    cache.set("history", [1764000000.123456, 1], 60)
    assert cache.get("history") == [1764000000.123456, 1]
    cache.set("history", [], 60)
    assert cache.get("history", "none") == []
    assert "history" in cache
    assert cache.get_many(["history", "absent"]) == {"history": []}
    assert cache.delete("history")
    assert not cache.delete("history")
    assert cache.get("history", "none") == "none"
    assert "history" not in cache


def test_add_does_nothing_where_something_lives() -> None:
    assert cache.add("lock", 1, 60)
    assert not cache.add("lock", 2, 60)
    assert cache.get("lock") == 1
    expire()
    assert cache.add("lock", 3, 60)
    assert cache.get("lock") == 3


def test_what_has_expired_is_gone_before_it_is_swept() -> None:
    cache.set("a", 1, 60)
    expire()
    assert cache.get("a") is None
    assert "a" not in cache
    assert not cache.touch("a", 60)
    cache.set("b", 1, 0)
    assert cache.get("b") is None


def test_touch_prolongs_and_none_is_for_ever() -> None:
    cache.set("a", 1, None)
    assert cache.get("a") == 1
    assert cache.touch("a", 60)
    expire()
    assert cache.get("a") is None


def test_ordinary_counting_works() -> None:
    cache.set("n", 1, 60)
    assert cache.incr("n") == 2
    assert cache.get_or_set("m", 7, 60) == 7


def test_a_write_is_one_statement_that_counts_no_rows() -> None:
    with CaptureQueriesContext(connection) as queries:
        cache.set("a", 1, 60)
    assert len(queries) == 1
    assert "COUNT" not in queries[0]["sql"].upper()


@pytest.mark.asvs("1.5.2")
def test_a_value_can_not_be_code() -> None:
    with pytest.raises(TypeError):
        cache.set("a", object(), 60)


@pytest.mark.django_db(transaction=True)
def test_of_fifty_who_add_at_once_one_is_told_it_did() -> None:
    for _ in range(3):
        assert at_once([lambda: cache.add("lock", 1, 60)] * 50, threads=25).count(True) == 1
        expire()


def test_a_sweep_takes_what_has_expired_and_nothing_else(monkeypatch, settings) -> None:
    monkeypatch.setattr("apps.limits.sweeping.BATCH", 3)
    settings.LIMITS = settings.LIMITS | {"tea": "5/10m"}
    for n in range(7):
        limits.hit("tea", n)
        cache.set(f"old{n}", 1, 60)
    let_pass(901)  # a row expires up to five minutes after its span
    expire()
    limits.hit("tea", "live")
    limits.hit("tea", 0)  # an old one, tried again
    cache.set("live", 1, 60)
    assert limits.sweep() == 6 + 7
    assert RateLimitWindow.objects.count() == 2
    assert cache.get("live") == 1
    assert limits.sweep() == 0

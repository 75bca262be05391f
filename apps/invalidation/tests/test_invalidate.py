"""Entries are deleted before pages are purged, once each, after the commit."""

from typing import Any

import pytest
from django.db import transaction

from apps import lookaside, pagecache
from apps.invalidation import invalidate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The keys of each call that deletes entries of the look-aside cache."""
    calls: list[list[str]] = []
    cache = lookaside.cache()
    invalidate_now = cache.invalidate

    def spy(keys: Any, **options: Any) -> list[str]:
        calls.append(sorted(keys))
        return invalidate_now(keys, **options)

    monkeypatch.setattr(cache, "invalidate", spy)
    return calls


def test_one_transaction_deletes_once_and_purges_once(deleted: list[list[str]]) -> None:
    with transaction.atomic():
        invalidate(pages=["ann", "tea"])
        invalidate(cache=["user:2"], pages=["ann"])
        invalidate(cache=["user:1"])
        assert deleted == []
    assert deleted == [["user:1", "user:2"], ["generation:ann", "generation:tea"]]


def test_outside_a_transaction_it_happens_at_once(deleted: list[list[str]]) -> None:
    invalidate(cache=["user:1"], pages=["ann"])
    assert deleted == [["user:1"], ["generation:ann"]]


def test_without_a_page_cache_entries_are_still_deleted(deleted: list[list[str]], settings: Any) -> None:
    settings.PAGECACHE = None
    invalidate(cache=["user:1"], pages=["ann"])
    assert deleted == [["user:1"]]
    assert pagecache.purge(["ann"]) == []

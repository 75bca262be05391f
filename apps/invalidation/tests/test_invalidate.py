"""Entries are deleted before pages are purged, in one message, after the commit."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from django.db import transaction

from apps import lookaside, pagecache
from apps.invalidation import invalidate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def deleted(monkeypatch: pytest.MonkeyPatch) -> list[list[str]]:
    """The keys that each message deletes, in the order of the message."""
    messages: list[list[str]] = []
    cache = lookaside.cache()
    names = {cache._name(key): key for key in ("user:1", "user:2", "generation:ann", "generation:tea")}
    delete = cache.store.delete

    def spy(keys: Sequence[bytes], marks: lookaside.Marks | None = None) -> list[bytes]:
        messages.append([names[key] for key in keys])
        return delete(keys, marks)

    monkeypatch.setattr(cache.store, "delete", spy)
    return messages


def test_one_transaction_sends_one_message_with_the_entries_first(deleted: list[list[str]]) -> None:
    with transaction.atomic():
        invalidate(pages=["tea", "ann"])
        invalidate(cache=["user:2"], pages=["ann"])
        invalidate(cache=["user:1"])
        assert deleted == []
    assert deleted == [["user:1", "user:2", "generation:ann", "generation:tea"]]


def test_with_several_servers_the_entries_are_deleted_before_the_first_purge(
    deleted: list[list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lookaside.cache().store, "in_order", False)
    invalidate(cache=["user:1"], pages=["ann"])
    assert deleted == [["user:1"], ["generation:ann"]]


def test_outside_a_transaction_it_happens_at_once(deleted: list[list[str]]) -> None:
    invalidate(cache=["user:1"], pages=["ann"])
    assert deleted == [["user:1", "generation:ann"]]


def test_a_page_cache_of_its_own_is_purged_after_the_entries(
    settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.CACHES = settings.CACHES | {"pages": {"BACKEND": "apps.lookaside.backends.LocalLookaside"}}
    settings.PAGECACHE = settings.PAGECACHE | {"CACHE": "pages"}
    calls: list[list[str]] = []

    def spy(keys: Iterable[str], **_: Any) -> list[str]:
        calls.append(list(keys))
        return []

    for cache in (pagecache.cache(), lookaside.cache()):
        monkeypatch.setattr(cache, "invalidate", spy)
    invalidate(cache=["user:1"], pages=["ann"])
    assert calls == [["user:1"], ["generation:ann"]]


def test_without_a_page_cache_entries_are_still_deleted(deleted: list[list[str]], settings: Any) -> None:
    settings.PAGECACHE = None
    invalidate(cache=["user:1"], pages=["ann"])
    assert deleted == [["user:1"]]
    assert pagecache.purge(["ann"]) == []

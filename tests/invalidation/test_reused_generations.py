"""With GENERATIONS_TTL_MS, a process reuses no generation that its own invalidation has deleted."""

from typing import Any

import pytest
from django.core.cache import caches
from django.db import transaction

from apps.invalidation import invalidate
from apps.pagecache import surrogate

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.mark.parametrize("entries", [[], ["user:1"]], ids=["pages alone", "with entries"])
def test_generations_are_read_again_after_an_invalidation(
    entries: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(surrogate, "_reused", {})
    cache: Any = caches["lookaside"]

    def tokens() -> str:
        return surrogate.generations(cache, ("user:ann",), ttl=60).tokens

    before = tokens()
    assert tokens() == before
    with transaction.atomic():
        invalidate(cache=entries, pages=["user:ann"])
        # Until the commit the pages are current. Inside a transaction nothing is read from the cache.
        assert surrogate._reused[("user:ann",)][1].tokens == before
    assert tokens() != before

"""No interleaving of readers and writers serves a page that was purged before the request.

The page cache and the look-aside cache are the real ones. memcached is a model (`page_model.py`), as in the
explorer of the look-aside cache, with one key for the generation and one for each page.
"""

import os
from typing import Any

import pytest

from apps.lookaside.tests.explorer import Stale, explore
from apps.lookaside.tests.model import Do, ScheduledStore
from apps.pagecache.responses import Response
from apps.pagecache.surrogate import generation_key
from apps.pagecache.wsgi import WARM
from tests.invalidation.page_model import CACHE, NOT_FOUND, Keys, ScheduledPages, hold_still, reader


@pytest.fixture(autouse=True)
def nothing_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    hold_still(monkeypatch)


def lost_reader(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    rendered, _ = ScheduledPages(do)._get_or_render(NOT_FOUND, {WARM: True})
    assert isinstance(rendered, Response)
    return int(rendered.body)


def writer(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    version = int(do("commit"))
    assert CACHE.invalidate([generation_key("user:ann")]) == []
    return version


SIZES = [(1, 1, 2), (2, 1, 1), (1, 2, 2), (2, 2, 0)]
if os.environ.get("TORTURE"):  # a few minutes
    SIZES += [(2, 1, 2), (2, 2, 1), (3, 1, 1)]


@pytest.mark.parametrize(("readers", "writers", "accidents"), SIZES)
def test_no_interleaving_of_readers_writers_and_accidents_shows_an_old_page(
    readers: int, writers: int, accidents: int
) -> None:
    seen = explore(
        readers=[reader] * readers,
        writers=[writer] * writers,
        accidents=accidents,
        model=Keys(),  # type: ignore[arg-type]
    )
    assert seen > 50


@pytest.mark.parametrize(("lost", "accidents"), [(1, 1), (2, 0)])
def test_no_interleaving_with_readers_of_no_page_shows_an_old_page(lost: int, accidents: int) -> None:
    seen = explore(
        readers=[reader] + [lost_reader] * lost,
        writers=[writer],
        accidents=accidents,
        model=Keys(),  # type: ignore[arg-type]
    )
    assert seen > 50


def late_reader(do: Do) -> int:
    """Reads the generation after the page."""
    CACHE.store = ScheduledStore(do)
    version = do("read")
    generation = CACHE.get_or_compute("generation", lambda: do("draw"))
    return int(CACHE.get_or_compute(f"page:{generation}", lambda: version))


def late_writer(do: Do) -> int:
    CACHE.store = ScheduledStore(do)
    version = int(do("commit"))
    CACHE.invalidate(["generation"])
    return version


def counting_reader(do: Do) -> int:
    """Creates each missing generation as 1, as a counter does after an eviction."""
    CACHE.store = ScheduledStore(do)
    generation = CACHE.get_or_compute("generation", lambda: 1)
    return int(CACHE.get_or_compute(f"page:{generation}", lambda: do("read")))


def hasty_writer(do: Do) -> int:
    """Purges before its commit."""
    CACHE.store = ScheduledStore(do)
    CACHE.invalidate([generation_key("user:ann")])
    return int(do("commit"))


@pytest.mark.parametrize(
    ("reads", "writes"),
    [(late_reader, late_writer), (counting_reader, late_writer), (reader, hasty_writer)],
    ids=["generations after the page", "generations that count", "purges before the commit"],
)
def test_it_finds_what_is_wrong_with_other_ways(reads: Any, writes: Any) -> None:
    with pytest.raises(Stale, match="was finished when it began"):
        explore(readers=[reads] * 2, writers=[writes], model=Keys())  # type: ignore[arg-type]

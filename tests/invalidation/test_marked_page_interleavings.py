"""Requests for a marked page share renders, and a writer may be killed at any step: no page is stale.

What counts is the COMMIT, and the readers are requests of one process (`page_model.py`).
"""

import gzip
import os

import pytest

from apps.lookaside.marks import MAGIC
from apps.lookaside.tests.explorer import Program, Stale, explore
from apps.lookaside.tests.model import Do, ScheduledStore
from apps.pagecache.responses import Page
from apps.pagecache.surrogate import generation_key
from tests.invalidation.page_model import (
    ADDRESS,
    CACHE,
    GENERATION,
    Keys,
    ScheduledPages,
    hold_still,
    reader,
)

KILLED = ("", "within the mark", "before the commit", "before the hooks", "after the hooks")
TORTURE = bool(os.environ.get("TORTURE"))


@pytest.fixture(autouse=True)
def nothing_is_random(monkeypatch: pytest.MonkeyPatch) -> None:
    hold_still(monkeypatch)
    monkeypatch.setattr(CACHE, "mark_seconds", 30)


def writer(number: int, killed: str = "") -> Program:
    record = MAGIC + (30).to_bytes(4) + b"writer %d" % number

    def program(do: Do) -> int:
        CACHE.store, CACHE.record = ScheduledStore(do), record
        if killed == "within the mark":
            do("append", GENERATION, record)
            do("rollback", record)
            return 0
        marks = CACHE.mark([generation_key("user:ann")])
        if killed == "before the commit":
            do("rollback", record)
            return 0
        version = int(do("commit", record))
        if killed == "before the hooks":
            return 0
        assert CACHE.invalidate([generation_key("user:ann")], marks=marks) == []
        return 0 if killed else version

    return program


def renderer(do: Do) -> int:
    """A request whose page is marked, from there on: as `reader`, with fewer steps."""
    CACHE.store = ScheduledStore(do)
    rendered, _ = ScheduledPages(do)._render_coalesced(ADDRESS, {})
    assert isinstance(rendered, Page)
    return int(gzip.decompress(rendered.gzipped))


def committing(do: Do) -> int:
    return int(do("commit"))


@pytest.mark.parametrize("killed", KILLED)
def test_no_page_is_stale_wherever_a_writer_is_killed(killed: str) -> None:
    readers = [reader] * (2 if TORTURE or killed == "before the hooks" else 1)
    model = Keys(is_strict=True)
    seen = explore(readers=readers, writers=[writer(1, killed)], model=model)  # type: ignore[arg-type]
    assert seen > 50


@pytest.mark.skipif(not TORTURE, reason="two minutes")
@pytest.mark.parametrize("killed", KILLED)
def test_no_page_is_stale_beside_a_second_writer(killed: str) -> None:
    writers = [writer(1), writer(2, killed)]
    assert explore(readers=[reader], writers=writers, model=Keys(is_strict=True)) > 50  # type: ignore[arg-type]


def test_a_shared_render_has_every_write_that_was_committed_before_the_request() -> None:
    writers = [committing] * 2
    model = Keys(is_strict=True)
    seen = explore(readers=[renderer] * 3, writers=writers, model=model)  # type: ignore[arg-type]
    assert seen > 50


def test_it_finds_a_request_that_takes_a_render_which_began_before_it() -> None:
    def late(do: Do) -> int:
        CACHE.store = ScheduledStore(do)
        rendered, _ = ScheduledPages(do)._render_coalesced(ADDRESS, {}, max_age=99)
        assert isinstance(rendered, Page)
        return int(gzip.decompress(rendered.gzipped))

    with pytest.raises(Stale, match="was finished when it began"):
        explore(readers=[late] * 2, writers=[committing], model=Keys(is_strict=True))  # type: ignore[arg-type]

"""Concurrent requests for one page render it once; without memcached, once a second in each process."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from django.conf import LazySettings
from django.core.cache import caches
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import coalescing, purge, wrapped
from apps.pagecache.addresses import Address
from apps.pagecache.responses import Response
from apps.pagecache.surrogate import generation_key
from apps.pagecache.tests.conftest import Visitor, cache, status
from apps.pagecache.tests.urls import hooks, rendered, shown
from deploy.local.memcached import Memcached

REQUESTS = 30


def all_at_once(visitor: Visitor, path: str) -> list[Response]:
    start = threading.Barrier(REQUESTS)

    def ask(_: int) -> Response:
        start.wait(timeout=30)
        return visitor.get(path)

    with ThreadPoolExecutor(REQUESTS) as pool:
        return list(pool.map(ask, range(REQUESTS)))


def test_concurrent_requests_for_a_purged_page_render_it_once(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.pagecache.wsgi.WAITS", (0.05,) * 1200)  # on a slow machine, too
    cache(visitor, "/ann/")
    hooks.append(lambda: time.sleep(0.3))
    shown["ann"] = "coffee"
    purge(["user:ann"])
    before = rendered["/ann/"]
    responses = all_at_once(visitor, "/ann/")
    assert rendered["/ann/"] == before + 1
    assert {response.body for response in responses} == {b"<p>ann: coffee</p>"}


@pytest.fixture
def down(visitor: Visitor, settings: LazySettings) -> Visitor:
    """A visitor of a site whose memcached is down."""
    settings.CACHES = settings.CACHES | {
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    return Visitor(wrapped(WSGIHandler()))


def test_without_memcached_concurrent_requests_render_a_page_once(
    down: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.pagecache.wsgi.TTL_SECONDS", 60.0)  # on a slow machine, too
    hooks.append(lambda: time.sleep(0.3))
    responses = all_at_once(down, "/ann/")
    assert rendered["/ann/"] == 1
    assert {response.body for response in responses} == {b"<p>ann: tea</p>"}
    assert sorted(set(map(status, responses))) == ["fwd=miss", "hit"]


@pytest.fixture
def marked(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> Visitor:
    """A visitor of a site where the pages of ann are marked by a transaction that has not ended."""
    at: Any = caches["lookaside"]
    monkeypatch.setattr(at, "mark_seconds", 30)
    at.get_or_compute("anything", lambda: 1)  # marks need an open connection
    assert at.mark([generation_key("user:ann")]).numbers
    return visitor


def test_concurrent_requests_for_a_marked_page_share_two_renders(marked: Visitor) -> None:
    hooks.append(lambda: time.sleep(1))
    responses = all_at_once(marked, "/ann/")
    assert rendered["/ann/"] == 2
    assert sorted(set(map(status, responses))) == ["fwd=miss", "fwd=miss; collapsed"]


def test_a_request_for_a_marked_page_takes_no_render_that_began_before_it(marked: Visitor) -> None:
    began = threading.Event()
    hooks.extend([began.set, lambda: time.sleep(0.3)])
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(marked.text, "/ann/")
        assert began.wait(60)
        shown["ann"] = "coffee"
        assert marked.text("/ann/") == "<p>ann: coffee</p>"
        assert early.result() == "<p>ann: tea</p>"


def test_a_failed_render_of_a_marked_page_holds_up_no_one_twice(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    renders = coalescing.CoalescedRenders()
    address = Address("/ann/", "", (), 300)
    start, running, most = threading.Barrier(8), [0], [0]
    lock = threading.Lock()

    def fail() -> Response:
        with lock:
            running[0] += 1
            most[0] = max(most[0], running[0])
        time.sleep(0.5)
        with lock:
            running[0] -= 1
        return Response("500 Internal Server Error", [], b"")

    def ask(_: int) -> bool:
        start.wait(timeout=30)
        return renders.get_or_render(address, fail)[1]

    with ThreadPoolExecutor(8) as pool:
        assert not any(pool.map(ask, range(8)))
    assert most[0] > 2, "they rendered one after another"


def test_without_memcached_a_page_is_at_most_one_second_old(down: Visitor) -> None:
    with mock.patch("apps.pagecache.coalescing.monotonic") as clock:
        clock.return_value = 1000.0
        down.get("/ann/")
        shown["ann"] = "coffee"
        clock.return_value = 1000.9
        assert down.text("/ann/") == "<p>ann: tea</p>"
        clock.return_value = 1001.0
        assert down.text("/ann/") == "<p>ann: coffee</p>"


def test_without_memcached_a_response_for_one_visitor_is_not_shared(down: Visitor) -> None:
    for _ in range(3):
        assert status(down.get("/faulty/cookie/")) == ""
    assert rendered["cookie"] == 3


def test_without_memcached_the_number_of_stored_pages_is_bounded(
    down: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(coalescing, "MAX_PAGES", 2)
    for name in ("ann", "bob", "cee", "dee"):
        shown[name] = "tea"
        down.get(f"/{name}/")
    assert [status(down.get(f"/{name}/")) for name in ("dee", "cee", "ann")] == ["hit", "hit", "fwd=miss"]


def test_purges_work_again_when_memcached_returns(
    visitor: Visitor, settings: LazySettings, memcached: str
) -> None:
    server = Memcached(Path(memcached.removeprefix("unix:")).parent, name="back")
    server.start()
    try:
        settings.CACHES = settings.CACHES | {
            "lookaside": {
                "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
                "LOCATION": server.address,
                "OPTIONS": {"dead_timeout": 0.2, "timeout": 5},
            }
        }
        visitor = Visitor(wrapped(WSGIHandler()))
        cache(visitor, "/ann/")
        server.stop()
        assert visitor.text("/ann/") == "<p>ann: tea</p>"
        shown["ann"] = "coffee"
        assert purge(["user:ann"]) == ["user:ann"]
        server.start()
        time.sleep(0.3)
        # The pending purge is replayed before the first read.
        assert visitor.text("/ann/") == "<p>ann: coffee</p>"
        cache(visitor, "/ann/")
        shown["ann"] = "water"
        purge(["user:ann"])
        assert visitor.text("/ann/") == "<p>ann: water</p>"
    finally:
        server.stop()

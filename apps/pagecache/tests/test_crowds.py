"""Many ask for the same page at once: it is made once. Also while memcached is away, a second at a time."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler

from apps.pagecache import alone, purge, wrapped
from apps.pagecache.pages import Answer
from apps.pagecache.tests.conftest import Visitor, keep, status
from apps.pagecache.tests.urls import hooks, made, shown
from deploy.local.memcached import Memcached

CROWD = 30


def all_at_once(visitor: Visitor, path: str) -> list[Answer]:
    start = threading.Barrier(CROWD)

    def ask(_: int) -> Answer:
        start.wait(timeout=30)
        return visitor.get(path)

    with ThreadPoolExecutor(CROWD) as pool:
        return list(pool.map(ask, range(CROWD)))


def test_a_crowd_at_a_purged_page_has_it_made_once(visitor: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.pagecache.wsgi.WAITS", (0.05,) * 1200)  # however slow this machine is
    keep(visitor, "/ann/")
    hooks.append(lambda: time.sleep(0.3))
    shown["ann"] = "coffee"
    purge(["user:ann"])
    before = made["/ann/"]
    answers = all_at_once(visitor, "/ann/")
    assert made["/ann/"] == before + 1
    assert {answer.body for answer in answers} == {b"<p>ann: coffee</p>"}


@pytest.fixture
def away(visitor: Visitor, settings: LazySettings) -> Visitor:
    """A visitor of a site whose memcached does not answer."""
    settings.CACHES = settings.CACHES | {
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    return Visitor(wrapped(WSGIHandler()))


def test_without_memcached_a_crowd_has_it_made_once(away: Visitor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("apps.pagecache.alone.KEPT_SECONDS", 60.0)  # however slow this machine is
    hooks.append(lambda: time.sleep(0.3))
    answers = all_at_once(away, "/ann/")
    assert made["/ann/"] == 1
    assert {answer.body for answer in answers} == {b"<p>ann: tea</p>"}
    assert sorted(set(map(status, answers))) == ["fwd=miss", "hit"]


def test_without_memcached_a_page_is_a_second_old_at_most(away: Visitor) -> None:
    with mock.patch("apps.pagecache.alone.monotonic") as clock:
        clock.return_value = 1000.0
        away.get("/ann/")
        shown["ann"] = "coffee"
        clock.return_value = 1000.9
        assert away.text("/ann/") == "<p>ann: tea</p>"
        clock.return_value = 1001.0
        assert away.text("/ann/") == "<p>ann: coffee</p>"


def test_without_memcached_what_is_no_page_is_not_shown_to_others(away: Visitor) -> None:
    for _ in range(3):
        assert status(away.get("/faulty/cookie/")) == ""
    assert made["cookie"] == 3


def test_without_memcached_a_bounded_number_of_pages_is_kept(
    away: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(alone, "MOST", 2)
    for name in ("ann", "bob", "cee", "dee"):
        shown[name] = "tea"
        away.get(f"/{name}/")
    assert [status(away.get(f"/{name}/")) for name in ("dee", "cee", "ann")] == ["hit", "hit", "fwd=miss"]


def test_when_memcached_is_back_its_purges_count_again(
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
        keep(visitor, "/ann/")
        server.stop()
        assert visitor.text("/ann/") == "<p>ann: tea</p>"
        shown["ann"] = "coffee"
        assert purge(["user:ann"]) == ["user:ann"]
        server.start()
        time.sleep(0.3)
        # It is given the purge that it missed before anything is read from it.
        assert visitor.text("/ann/") == "<p>ann: coffee</p>"
        keep(visitor, "/ann/")
        shown["ann"] = "water"
        purge(["user:ann"])
        assert visitor.text("/ann/") == "<p>ann: water</p>"
    finally:
        server.stop()

"""Threads of one process that change its coalesced renders at the same time."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from apps.pagecache import coalescing
from apps.pagecache.addresses import Address
from apps.pagecache.coalescing import CoalescedRenders
from apps.pagecache.responses import Page

type Add = Callable[[int], object]

PAGE = Page([], "etag", b"x" * 10, 1e12)


class WatchedDict(dict[Any, Any]):
    """Calls ``between`` each time an iterator has been made, before its first item is read."""

    between: Callable[[], None]

    def __iter__(self) -> Iterator[Any]:
        iterator = super().__iter__()
        self.between()
        return iterator


class WatchedLock:
    """A lock that reports when a thread has to wait for it."""

    def __init__(self, contended: threading.Event) -> None:
        self._lock = threading.Lock()
        self._contended = contended

    def __enter__(self) -> None:
        if not self._lock.acquire(blocking=False):
            self._contended.set()
            self._lock.acquire()

    def __exit__(self, *_: object) -> None:
        self._lock.release()


def add_page(cache: CoalescedRenders) -> Add:
    # Addresses with a render lock each: requests for them never wait for each other's render.
    lock_of: dict[int, Address] = {}
    for number in range(10_000):
        address = Address(f"/{number}/", "", (), 300)
        lock_of.setdefault(id(cache._render_lock(address)), address)
    addresses = list(lock_of.values())
    return lambda number: cache.get_or_render(addresses[number], lambda: PAGE)


def test_a_page_added_during_an_eviction_fails_no_request(monkeypatch: pytest.MonkeyPatch) -> None:
    """One thread evicts; between `iter` and `next` another adds a page, or is seen waiting for the lock."""
    monkeypatch.setattr(coalescing, "MAX_PAGES", 2)
    settled = threading.Event()
    pages = WatchedDict()
    cache: Any = CoalescedRenders()
    cache._pages, cache._lock, add = pages, WatchedLock(settled), add_page(cache)

    def add_and_report() -> None:
        add(3)
        settled.set()

    other = threading.Thread(target=add_and_report)

    def between() -> None:
        pages.between = lambda: None
        other.start()
        assert settled.wait(60)

    pages.between = between
    for number in range(3):
        add(number)
    other.join()
    assert len(pages) == 2

"""Renders that requests of one process share, where memcached can't hold the page: it is down, or marked.

A request takes a render that began after it arrived, so that it shows every response that was complete by
then. A render that began before is of no use to it: it waits for its end, and then begins the next one, which
all requests that waited share. So a process renders an address once at a time, and each request waits for two
renders at most. While memcached is down, a request also takes a page that is a second old.
"""

import threading
from collections.abc import Callable
from contextlib import AbstractContextManager
from time import monotonic

from apps.pagecache.addresses import Address
from apps.pagecache.responses import Page, Response

# While memcached is down. No purge reaches these pages, so this bounds how stale one can be.
TTL_SECONDS = 1.0
MAX_PAGES = 256


class CoalescedRenders:
    """The last render of each address in this process. Concurrent requests for a page wait for each other."""

    def __init__(self) -> None:
        # Striped: two addresses may share a lock, and then wait for each other's render.
        self._render_locks = [threading.Lock() for _ in range(64)]
        # Guards `_pages`: requests with different render locks change it concurrently.
        self._lock = threading.Lock()
        # When the last render began, and its page; None while it runs, and where it gave no page.
        self._pages: dict[Address, tuple[float, Page | None]] = {}

    def get_or_render(
        self, address: Address, render: Callable[[], Page | Response], *, max_age: float = 0.0
    ) -> tuple[Page | Response, bool]:
        """The page or response for ``address``, and whether another request has rendered it.

        Its render began at most ``max_age`` seconds before this call. Only a page is shared.
        """
        arrived = monotonic()
        with self._render_lock(address):
            began, page = self._last(address)
            if page is not None and began > arrived - max_age:
                return page, True
            if began <= arrived:
                began = monotonic()
                self._keep(address, began, None)
                rendered = render()
                if isinstance(rendered, Page):
                    self._keep(address, began, rendered)
                return rendered, False
        # It waited for a render that failed or gave no page. The next one might, too: it does not wait again.
        return render(), False

    def _last(self, address: Address) -> tuple[float, Page | None]:
        return self._pages.get(address, (0.0, None))

    def _keep(self, address: Address, began: float, page: Page | None) -> None:
        with self._lock:
            self._pages.pop(address, None)
            self._pages[address] = (began, page)
            while len(self._pages) > MAX_PAGES:
                del self._pages[next(iter(self._pages))]

    def _render_lock(self, address: Address) -> AbstractContextManager[object]:
        return self._render_locks[hash(address) % len(self._render_locks)]

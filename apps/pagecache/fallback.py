"""The fallback while memcached is down: each process renders a page once a second, for all its requests."""

import threading
from collections.abc import Callable
from time import monotonic

from apps.pagecache.addresses import Address
from apps.pagecache.responses import Page, Response

# No purge reaches this cache, so the TTL bounds how stale a page can be.
TTL_SECONDS = 1.0
MAX_PAGES = 256


class FallbackCache:
    """Recent pages of this process. Concurrent requests for one page wait for a single render."""

    def __init__(self) -> None:
        # Striped: two addresses may share a lock, and then wait for each other's render.
        self._render_locks = [threading.Lock() for _ in range(64)]
        # Guards `_pages`: requests with different render locks change it concurrently.
        self._lock = threading.Lock()
        self._pages: dict[Address, tuple[float, Page]] = {}

    def get_or_render(
        self, address: Address, render: Callable[[], Page | Response]
    ) -> tuple[Page | Response, bool]:
        """The page or response for ``address``, and whether it is a hit. Only a page is stored."""
        with self._render_lock(address):
            stored = self._pages.get(address)
            if stored is not None and monotonic() - stored[0] < TTL_SECONDS:
                return stored[1], True
            rendered = render()
            if isinstance(rendered, Page):
                self._add(address, rendered)
            return rendered, False

    def _add(self, address: Address, page: Page) -> None:
        with self._lock:
            self._pages.pop(address, None)
            self._pages[address] = (monotonic(), page)
            while len(self._pages) > MAX_PAGES:
                del self._pages[next(iter(self._pages))]

    def _render_lock(self, address: Address) -> threading.Lock:
        return self._render_locks[hash(address) % len(self._render_locks)]

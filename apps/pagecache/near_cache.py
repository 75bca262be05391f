"""The near (L1) cache: pages in this process, so that memcached need not send them again."""

import threading
from time import time

from apps.pagecache.responses import Page

# For each process. A page takes about 5 kB.
MAX_BYTES = 8 * 1024 * 1024


class NearCache:
    """Pages by their whole memcached key, each until its TTL ends.

    The key contains the generations that the caller has just read from memcached. After a purge no caller
    has the old key, so this cache needs no invalidation of its own.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, Page] = {}
        self._bytes = 0

    def get(self, key: str) -> Page | None:
        page = self._pages.get(key)
        return page if page is not None and page.expires_at > time() else None

    def add(self, key: str, page: Page) -> None:
        """Evicts in the order of insertion: an evicted page returns with its next hit in memcached."""
        with self._lock:
            self._remove(key)
            self._pages[key] = page
            self._bytes += len(page.gzipped)
            while self._bytes > MAX_BYTES:
                self._remove(next(iter(self._pages)))

    def _remove(self, key: str) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._bytes -= len(page.gzipped)

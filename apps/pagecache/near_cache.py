"""The near (L1) cache: pages in this process, so that memcached need not send them again."""

from time import time

from apps import nearcache
from apps.pagecache.responses import Page

# For each process. A page takes about 5 kB.
MAX_BYTES = 8 * 1024 * 1024


class NearCache:
    """Pages by their whole memcached key, each until its TTL ends.

    The key contains the generations that the caller has just read from memcached. After a purge no caller
    has the old key, so this cache needs no invalidation of its own.
    """

    def __init__(self) -> None:
        self._pages = nearcache.NearCache[str, Page](lambda: MAX_BYTES)

    def get(self, key: str) -> Page | None:
        page = self._pages.get(key)
        return page if page is not None and page.expires_at > time() else None

    def add(self, key: str, page: Page) -> None:
        self._pages.put(key, page, size=len(page.gzipped))

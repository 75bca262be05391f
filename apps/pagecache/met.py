"""Pages that this process has met: memcached need not send them again."""

import threading
from time import time

from apps.pagecache.pages import Page

# For each process. A page takes some 5 kB; what does not fit is asked of memcached.
MOST_BYTES = 8 * 1024 * 1024


class Met:
    """Pages by the whole key that they are kept under, each until its own time is over.

    Whoever asks has just had the generations in that key from memcached. A page that was purged is therefore
    not asked for, and one that is found here is what memcached would answer.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._pages: dict[str, Page] = {}
        self._bytes = 0

    def get(self, key: str) -> Page | None:
        page = self._pages.get(key)
        return page if page is not None and page.until > time() else None

    def add(self, key: str, page: Page) -> None:
        """The oldest go first, however often they are asked for: they come back with their next reader."""
        with self._lock:
            self._drop(key)
            self._pages[key] = page
            self._bytes += len(page.zipped)
            while self._bytes > MOST_BYTES:
                self._drop(next(iter(self._pages)))

    def _drop(self, key: str) -> None:
        page = self._pages.pop(key, None)
        if page is not None:
            self._bytes -= len(page.zipped)

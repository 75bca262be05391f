"""Values in the memory of a process; the least recently used are evicted first."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterable


class NearCache[K: Hashable, V]:
    """At most ``max_bytes()`` of values, which nothing changes. Threads share it.

    A key determines its value, so there is nothing to invalidate.
    """

    def __init__(self, max_bytes: Callable[[], int]) -> None:
        self._max_bytes = max_bytes
        self._lock = threading.Lock()
        self._entries: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self._bytes = 0
        self.hits = self.misses = 0

    def get(self, key: K) -> V | None:
        with self._lock:
            entry = self._entries.get(key)
            if entry is None:
                self.misses += 1
                return None
            self._entries.move_to_end(key)
            self.hits += 1
            return entry[0]

    def get_many(self, keys: Iterable[K]) -> dict[K, V]:
        """The values that are there, by their keys."""
        found = {}
        with self._lock:
            for key in keys:
                entry = self._entries.get(key)
                if entry is None:
                    self.misses += 1
                    continue
                self._entries.move_to_end(key)
                found[key] = entry[0]
            self.hits += len(found)
        return found

    def put(self, key: K, value: V, *, size: int) -> None:
        """``size``: how many bytes the value takes, about."""
        limit = self._max_bytes()
        if size > limit:
            return  # it would evict all others for nothing
        with self._lock:
            old = self._entries.pop(key, None)
            self._bytes += size - (old[1] if old is not None else 0)
            self._entries[key] = value, size
            while self._bytes > limit:
                _, (_, evicted) = self._entries.popitem(last=False)
                self._bytes -= evicted

    def clear(self) -> None:
        with self._lock:
            self._entries.clear()
            self._bytes = 0

"""The renderings of one fragment, the least recently used evicted first."""

import threading
from typing import Any, NamedTuple


class Rendering(NamedTuple):
    """The HTML of a fragment around its dynamic parts, and these parts' nodes, in turn."""

    pieces: list[str]
    dynamic: list[Any]


class FragmentCache:
    """Threads share it, so each access holds the lock: an eviction iterates over the entries."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._entries: dict[tuple[Any, ...], Rendering] = {}

    def get(self, key: tuple[Any, ...]) -> Rendering | None:
        with self._lock:
            found = self._entries.pop(key, None)
            if found is not None:
                self._entries[key] = found  # now the most recently used
            return found

    def put(self, key: tuple[Any, ...], rendering: Rendering, *, size: int) -> None:
        with self._lock:
            self._entries[key] = rendering
            while len(self._entries) > size:
                del self._entries[next(iter(self._entries))]

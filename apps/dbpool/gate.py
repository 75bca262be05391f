"""A gate with a number of places: first come, first served, and nobody waits beyond a limit."""

import threading
import time
from collections import deque


class Gate:
    """At most ``places`` are inside at once. A place that comes free goes to whoever has waited longest."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.entered = 0
        self.waits = 0
        self.refused = 0
        self.waited = 0.0
        self._free = places
        self._queue: deque[threading.Lock] = deque()
        # Reentrant: a connection that the garbage collector finds leaves wherever the collector runs.
        self._lock = threading.RLock()

    def enter(self, limit: float) -> float:
        """Takes a place; returns the seconds that it took to get one.

        Raises TimeoutError when ``limit`` seconds have passed.
        """
        with self._lock:
            if self._free and not self._queue:
                self._free -= 1
                self.entered += 1
                return 0.0
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            self._queue.append(turn)
            self._admit()
        return self._wait(turn, limit)

    def leave(self) -> None:
        """Gives a place back."""
        with self._lock:
            self._free += 1
            self._admit()

    @property
    def inside(self) -> int:
        return self.places - self._free

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def _wait(self, turn: threading.Lock, limit: float) -> float:
        started = time.monotonic()
        try:
            turn.acquire(timeout=limit)
        except BaseException:
            if not self._withdrawn(turn):
                self.leave()
            raise
        waited = time.monotonic() - started
        with self._lock:
            self.waits += 1
            self.waited += waited
            # The place may have come in the last moment, so the queue decides, not the clock.
            if self._withdrawn(turn):
                self.refused += 1
                raise TimeoutError
            self.entered += 1
        return waited

    def _admit(self) -> None:
        while self._free and self._queue:
            self._free -= 1
            self._queue.popleft().release()

    def _withdrawn(self, turn: threading.Lock) -> bool:
        """Whether the turn had not come yet; it will not come any more."""
        with self._lock:
            if turn not in self._queue:
                return False
            self._queue.remove(turn)
            return True

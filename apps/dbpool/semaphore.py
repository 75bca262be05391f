"""A fair semaphore: first come, first served, with a timeout."""

import threading
import time
from collections import deque


class FairSemaphore:
    """At most ``permits`` threads at once. A released permit goes to the thread that has waited longest."""

    def __init__(self, permits: int) -> None:
        self.permits = permits
        self.acquired = 0
        self.waits = 0
        self.timeouts = 0
        self.waited = 0.0
        self._free = permits
        self._queue: deque[threading.Lock] = deque()
        # Reentrant: the garbage collector may release a permit at any point.
        self._lock = threading.RLock()

    def acquire(self, timeout: float) -> float:
        """Acquire a permit; returns the seconds waited. Raises TimeoutError after ``timeout`` seconds."""
        with self._lock:
            if self._free and not self._queue:
                self._free -= 1
                self.acquired += 1
                return 0.0
        turn = threading.Lock()
        turn.acquire()
        with self._lock:
            self._queue.append(turn)
            self._grant()
        return self._wait(turn, timeout)

    def release(self) -> None:
        """Release a permit."""
        with self._lock:
            self._free += 1
            self._grant()

    @property
    def in_use(self) -> int:
        return self.permits - self._free

    @property
    def waiting(self) -> int:
        return len(self._queue)

    def _wait(self, turn: threading.Lock, timeout: float) -> float:
        started = time.monotonic()
        try:
            turn.acquire(timeout=timeout)
        except BaseException:
            if not self._withdrawn(turn):
                self.release()
            raise
        waited = time.monotonic() - started
        with self._lock:
            self.waits += 1
            self.waited += waited
            # The permit may have been granted at the last moment: the queue decides, not the clock.
            if self._withdrawn(turn):
                self.timeouts += 1
                raise TimeoutError
            self.acquired += 1
        return waited

    def _grant(self) -> None:
        while self._free and self._queue:
            self._free -= 1
            self._queue.popleft().release()

    def _withdrawn(self, turn: threading.Lock) -> bool:
        """Remove the turn from the queue; false if it has been granted already."""
        with self._lock:
            if turn not in self._queue:
                return False
            self._queue.remove(turn)
            return True

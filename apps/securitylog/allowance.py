"""How many rows this process adds for events that concern no one known: a flood must not fill the disk."""

import threading
import time

A_MINUTE = 60
A_DAY = 3_000


class Allowance:
    """Two counts that start again with their minute and their day. Their memory does not grow."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = self._day = 0
        self._in_minute = self._in_day = 0

    def take(self) -> bool:
        """Whether one more row is allowed."""
        now = int(time.time())
        with self._lock:
            if self._minute != now // 60:
                self._minute, self._in_minute = now // 60, 0
            if self._day != now // 86_400:
                self._day, self._in_day = now // 86_400, 0
            if self._in_minute >= A_MINUTE or self._in_day >= A_DAY:
                return False
            self._in_minute += 1
            self._in_day += 1
            return True

    def refill(self) -> None:
        """As in a new process."""
        with self._lock:
            self._in_minute = self._in_day = 0


of_strangers = Allowance()

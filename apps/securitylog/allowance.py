"""How many rows this process adds for what anyone can cause: a flood must not fill the disk."""

import threading
import time

A_MINUTE = 60
A_DAY = 3_000


class Allowance:
    """Counts the different rows of a minute and of a day. Its memory is that of a minute's keys."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = self._day = 0
        self._keys: set[str] = set()
        self._in_day = 0

    def take(self, key: str) -> bool:
        """Whether the row of this key is allowed: it is there already, or there is room for one more."""
        now = int(time.time())
        with self._lock:
            if self._minute != now // 60:
                self._minute, self._keys = now // 60, set()
            if self._day != now // 86_400:
                self._day, self._in_day = now // 86_400, 0
            if key in self._keys:
                return True
            if len(self._keys) >= A_MINUTE or self._in_day >= A_DAY:
                return False
            self._keys.add(key)
            self._in_day += 1
            return True

    def refill(self) -> None:
        """As in a new process."""
        with self._lock:
            self._keys, self._in_day = set(), 0


# Rows with all their columns; and beyond these, rows of one person without where it came from.
in_full = Allowance()
of_people = Allowance()

"""How many rows this process adds for what anyone can cause: a flood must not fill the disk."""

import threading
import time
from collections import Counter, defaultdict

A_MINUTE = 60
A_DAY = 3_000
# Of these, one network takes a fifth at most, and so does a person who is refused: others need the rest.
SHARE = 5
# So often a minute the count of a row of refusals is written.
MOST_TIMES = 50


class Allowance:
    """Counts the different rows of a minute and of a day. Its memory is that of the rows it allowed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = self._day = self._rows = 0
        self._keys: set[str] = set()
        self._in_minute: Counter[str] = Counter()
        self._in_day: Counter[str] = Counter()

    def take(self, key: str, *sharers: str) -> bool:
        """Whether the row of this key is allowed: it is there already, or there is room for one more.

        ``sharers`` are the networks and people whose shares it uses; empty strings are ignored.
        """
        now = int(time.time())
        with self._lock:
            if self._minute != now // 60:
                self._minute, self._keys, self._in_minute = now // 60, set(), Counter()
            if self._day != now // 86_400:
                self._day, self._rows, self._in_day = now // 86_400, 0, Counter()
            if key in self._keys:
                return True
            if len(self._keys) >= A_MINUTE or self._rows >= A_DAY:
                return False
            if any(self._is_share_used(sharer) for sharer in sharers if sharer):
                return False
            self._keys.add(key)
            self._rows += 1
            self._in_minute.update(sharers)
            self._in_day.update(sharers)
            return True

    def _is_share_used(self, sharer: str) -> bool:
        in_minute, in_day = self._in_minute[sharer], self._in_day[sharer]
        return in_minute >= A_MINUTE // SHARE or in_day >= A_DAY // SHARE

    def refill(self) -> None:
        """As in a new process."""
        with self._lock:
            self._keys, self._rows, self._in_minute, self._in_day = set(), 0, Counter(), Counter()


class Repeats:
    """Counts how often a row is written within a minute: all who are refused would wait for its lock."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._minute = 0
        self._times: Counter[str] = Counter()

    def take(self, key: str) -> bool:
        minute = int(time.time()) // 60
        with self._lock:
            if self._minute != minute:
                self._minute, self._times = minute, Counter()
            if self._times[key] >= MOST_TIMES:
                return False
            self._times[key] += 1
            return True

    def refill(self) -> None:
        with self._lock:
            self._times = Counter()


# By event, so that a flood of one leaves room for the others: rows with all their columns; and beyond these,
# rows of one person without where it came from.
in_full: defaultdict[str, Allowance] = defaultdict(Allowance)
of_people: defaultdict[str, Allowance] = defaultdict(Allowance)
refusals = Repeats()


def refill() -> None:
    """As in a new process."""
    in_full.clear()
    of_people.clear()
    refusals.refill()

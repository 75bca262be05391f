"""How long requests have waited for a thread, and whether that is a queue that stands.

After CoDel (Nichols, Jacobson: *Controlling Queue Delay*, ACM Queue 2012; RFC 8289): a burst fills a queue
that soon empties again, and is no reason to refuse anything. A queue stands if *every* request of an interval
has waited longer than the target. Unlike CoDel, which drops packets of any kind at a growing rate, the caller
refuses what can wait best, for as long as the queue stands.
"""

import threading
from collections.abc import Callable
from time import monotonic, time

# Seconds for which each request must have waited too long.
INTERVAL = 0.5
# A longer wait is ignored: the proxy in front has given up by then (`proxy_read_timeout`).
MAX_WAIT = 60.0
# A clock may be so far behind that of the proxy in front: a request that did not wait then has a later stamp.
CLOCK_SECONDS = 1.0
# A queue does not stand any more if no request has come for so long.
PAUSE = 2.0
# The header of the proxy in front: "t=" and seconds since 1970.
HEADER = "HTTP_X_REQUEST_START"


def seconds_waited(stamp: str, *, clock: Callable[[], float] = time) -> float | None:
    """The seconds since a request was stamped, or None for a stamp that can't be right."""
    try:
        waited = clock() - float(stamp.removeprefix("t="))
    except ValueError:
        return None
    return max(waited, 0.0) if -CLOCK_SECONDS <= waited <= MAX_WAIT else None


class StandingQueue:
    """Whether all requests of the last ``INTERVAL`` have waited for ``target`` seconds or longer."""

    def __init__(self, target: float, *, clock: Callable[[], float] = monotonic) -> None:
        self._target = target
        self._clock = clock
        self._lock = threading.Lock()
        self._since: float | None = None
        self._last = 0.0
        self._stands = False

    @property
    def is_standing(self) -> bool:
        return self._stands and self._clock() - self._last < PAUSE

    def add(self, waited: float) -> None:
        """Adds the wait of a request that begins now."""
        with self._lock:
            now = self._clock()
            if waited < self._target:
                self._since = None
            elif self._since is None or waited < now - self._last:
                # The first, or one that arrived after the last had begun: none was waiting then.
                self._since = now
            self._last = now
            self._stands = self._since is not None and now - self._since >= INTERVAL

"""While PostgreSQL is unreachable: one attempt to connect now and then, whose result others wait for."""

import random
import threading
import time
from collections.abc import Callable

from django.db.utils import OperationalError

# Seconds from a failed attempt to the next: doubled each time up to the second figure, less up to a half at
# random, so that processes take turns.
FIRST_PAUSE = 0.05
LONGEST_PAUSE = 0.25
# An attempt that takes longer hangs: the next one need not wait for it.
HANGING = 0.5
# The longest wait for the result of another thread's attempt.
LONGEST_WAIT = 1.0


class ServerUnreachable(OperationalError):
    """Another thread's attempt to connect has just failed, or hangs. The site answers 503."""


class Outage:
    """Begins when an attempt to connect fails, and ends when one succeeds.

    Meanwhile one attempt starts per pause, in a thread that asks for a connection; the others wait for it.
    They get an error if an attempt failed that started after they asked: a thread that asks once PostgreSQL
    accepts connections gets one. An attempt that hangs, at a server that may have been replaced, delays the
    next by `HANGING` only.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        # The words alone: the exception would keep the frames of a request, with what its form said.
        self._error: str | None = None
        self._pause = FIRST_PAUSE
        self._next_at = 0.0
        # When the attempts started that failed last, and that succeeded last.
        self._failed = 0.0
        self._succeeded = 0.0

    def wait(self, asked: float, timeout: float) -> None:
        """Return when there is no outage or an attempt is due; else raise ServerUnreachable.

        ``asked`` is the time of the question, ``timeout`` the seconds to wait since.
        """
        with self._changed:
            self._wait(asked, timeout)

    def connect[T](self, connect: Callable[[], T], asked: float, timeout: float) -> T:
        """Call ``connect``. Raises its errors, and ServerUnreachable."""
        with self._changed:
            self._wait(asked, timeout)
            started = time.monotonic()
            self._next_at = started + HANGING
        try:
            made = connect()
        except Exception as error:
            self._note_failure(error, started)
            raise
        with self._changed:
            self._error = None
            self._succeeded = max(self._succeeded, started)
            self._changed.notify_all()
        return made

    def _wait(self, asked: float, timeout: float) -> None:
        wait_until = asked + min(timeout, LONGEST_WAIT)
        while self._error is not None:
            now = time.monotonic()
            if asked < self._failed or (now < self._next_at and now >= wait_until):
                raise ServerUnreachable(f"PostgreSQL is unreachable: {self._error}")
            if now >= self._next_at:
                return
            self._changed.wait(min(self._next_at, wait_until) - now)

    def _note_failure(self, error: Exception, started: float) -> None:
        with self._changed:
            if started < self._succeeded:
                return  # a later attempt succeeded
            self._pause = FIRST_PAUSE if self._error is None else min(LONGEST_PAUSE, 2 * self._pause)
            self._next_at = time.monotonic() + self._pause * random.uniform(0.5, 1)  # noqa: S311
            self._failed = started
            self._error = str(error)
            self._changed.notify_all()

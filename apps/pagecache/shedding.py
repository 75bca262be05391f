"""Load shedding: cold pages of anonymous visitors are refused before members have to wait for a thread.

A crawler reads each page once, so that its requests are misses, and each takes as long as a render. Two
things are asked before such a render: whether requests have waited too long for a thread (`queueing`), and
whether this process renders enough of these pages already. Hits, members and forms are never refused.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from django.db import connection

from apps.pagecache.queueing import HEADER, StandingQueue, seconds_waited
from apps.pagecache.responses import Response

# Set by the proxy in front that gives the 503 itself, at this path of its own: to a 503 of the site it would
# answer with an old page, which may have been deleted since.
EDGE_HEADER, EDGE_PATH = "HTTP_X_EDGE_OVERLOAD", "/-edge/overload"
# Set by that proxy on a few of the requests that it would refuse, to have them counted.
FULL_HEADER = "HTTP_X_EDGE_FULL"
# Requests that may wait for each that is rendered: together half of the 8 threads that a process has.
WAITING = 3
# Seconds for which a render waits at each of its statements while other requests are in progress.
PAUSE = 0.02

_lock = threading.Lock()
_counts: Counter[str] = Counter()


class Shed(Exception):
    """The request is refused. Its argument is the reason: "waiting", "renders" or "edge"."""


def stats() -> dict[str, int]:
    """Requests that this process has refused, by reason.

    "waiting": requests waited too long for a thread; "renders": enough pages were being rendered; "edge": the
    proxy in front knew that, and refused others that are not counted here.
    """
    with _lock:
        return dict(_counts)


class Admission:
    """Admits renders for anonymous visitors: at most ``renders`` at once in this process, 0 for any number.

    ``WAITING`` times as many requests may wait for their turn, up to ``patience`` seconds.
    None is admitted while requests wait for ``target`` seconds or longer for a thread, 0 for any time.
    An admitted render lets other requests of this process go first: see `others_first`.
    ``is_proxy`` says of a peer's address whether its stamp of arrival counts; ``refusal`` is the
    response to a request that is refused.
    """

    def __init__(
        self,
        *,
        target: float,
        renders: int,
        patience: float,
        is_proxy: Callable[[str], bool],
        refusal: Callable[[str], Response],
    ) -> None:
        self._queue = StandingQueue(target) if target else None
        self._renders = threading.Semaphore(renders) if renders else None
        self._places = (1 + WAITING) * renders
        self._taken = 0
        self._lock = threading.Lock()
        self._others = 0
        self._no_others = threading.Condition()
        self._patience = patience
        self._is_proxy = is_proxy
        self._refusal = refusal

    def observe(self, environ: dict[str, Any]) -> None:
        """Takes note of how long any request has waited. To be called first."""
        stamp = environ.get(HEADER)
        if self._queue is None or stamp is None or not self._is_proxy(environ.get("REMOTE_ADDR", "")):
            return
        waited = seconds_waited(stamp)
        if waited is not None:
            self._queue.add(waited)

    def reason_to_shed(self, environ: dict[str, Any] | None = None) -> str | None:
        """Why a render would be refused now, for a request with this environ; None if it would not."""
        if environ and FULL_HEADER in environ and self._is_proxy(environ.get("REMOTE_ADDR", "")):
            return "edge"
        if self._queue is not None and self._queue.is_standing:
            return "waiting"
        return "renders" if self._renders is not None and self._taken >= self._places else None

    @contextmanager
    def render(self, environ: dict[str, Any] | None = None) -> Iterator[None]:
        """Holds a place for the render of one page, for a request with this environ. Raises Shed."""
        with self._lock:
            reason = self.reason_to_shed(environ)
            if reason is not None:
                raise Shed(reason)
            self._taken += 1
        try:
            if self._renders is None:
                yield
                return
            if not self._renders.acquire(timeout=self._patience):
                raise Shed("renders")
            try:
                with connection.execute_wrapper(self._let_others_go_first):
                    yield
            finally:
                self._renders.release()
        finally:
            with self._lock:
                self._taken -= 1

    @contextmanager
    def others_first(self) -> Iterator[None]:
        """During a request that is never shed: renders of this process stop at their next statement, shortly.

        They would take every second turn of the interpreter lock.
        """
        with self._no_others:
            self._others += 1
        try:
            yield
        finally:
            with self._no_others:
                self._others -= 1
                if not self._others:
                    self._no_others.notify_all()

    def _let_others_go_first(self, execute: Callable[..., Any], *arguments: Any) -> Any:
        if self._others:
            with self._no_others:
                self._no_others.wait_for(lambda: not self._others, timeout=PAUSE)
        return execute(*arguments)

    def refuse(self, shed: Shed, environ: dict[str, Any]) -> Response:
        """Counts a refusal; returns the response to it, or has the proxy in front respond."""
        with _lock:
            _counts[str(shed)] += 1
        if EDGE_HEADER in environ and self._is_proxy(environ.get("REMOTE_ADDR", "")):
            return Response("200 OK", [("X-Accel-Redirect", EDGE_PATH), ("Content-Length", "0")], b"")
        return self._refusal(environ.get("PATH_INFO", ""))

"""Load shedding: cold pages of anonymous visitors are refused before members have to wait for a thread.

A crawler reads each page once, so that its requests are misses, and each takes as long as a render. Two things
are asked before such a render: whether requests have waited too long for a thread (`queueing`), and whether
this process renders enough of these pages already. Hits, members and forms are never refused.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from apps.pagecache.queueing import HEADER, StandingQueue, seconds_waited
from apps.pagecache.responses import Response

_lock = threading.Lock()
_counts: Counter[str] = Counter()


class Shed(Exception):
    """The request is refused. Its argument is the reason: "waiting" or "renders"."""


def stats() -> dict[str, int]:
    """Requests that this process has refused, by reason.

    "waiting": requests waited too long for a thread; "renders": enough pages were being rendered.
    """
    with _lock:
        return dict(_counts)


class Admission:
    """Admits renders for anonymous visitors: at most ``renders`` at once in this process, 0 for any number.

    As many requests again may wait for their turn, up to ``patience`` seconds each: they hold a thread.
    None is admitted while requests wait for ``target`` seconds or longer for a thread, 0 for any time.
    ``is_proxy`` says of a peer's address whether its stamp of arrival is believed; ``refusal`` is the
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
        self._places = threading.Semaphore(2 * renders)
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

    @contextmanager
    def render(self) -> Iterator[None]:
        """Holds a place for the render of one page. Raises Shed."""
        if self._queue is not None and self._queue.is_standing:
            raise Shed("waiting")
        if self._renders is None:
            yield
            return
        if not self._places.acquire(blocking=False):
            raise Shed("renders")
        try:
            if not self._renders.acquire(timeout=self._patience):
                raise Shed("renders")
            try:
                yield
            finally:
                self._renders.release()
        finally:
            self._places.release()

    def refuse(self, shed: Shed, environ: dict[str, Any]) -> Response:
        """Counts a refusal; returns the response to it."""
        with _lock:
            _counts[str(shed)] += 1
        return self._refusal(environ.get("PATH_INFO", ""))

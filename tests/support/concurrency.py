"""Concurrent threads and open transactions."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, connections, transaction


@contextmanager
def uncommitted() -> Iterator[None]:
    """A transaction without an idle timeout."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def at_once[T](functions: Sequence[Callable[[], T]], *, threads: int = 16) -> list[T]:
    """Runs the functions in ``threads`` threads that start together; returns what each returned, in order.

    Raises the first exception of them. Each thread has its own database connection, closed at its end; the
    test needs transaction=True.
    """
    start = threading.Barrier(min(threads, len(functions)))
    waiting = threading.local()

    def run(function: Callable[[], T]) -> T:
        if not getattr(waiting, "over", False):
            waiting.over = True
            start.wait(timeout=30)
        try:
            return function()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(max_workers=min(threads, len(functions))) as pool:
        return [future.result() for future in [pool.submit(run, function) for function in functions]]

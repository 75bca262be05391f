"""Doing things at the same time."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, connections, transaction


@contextmanager
def uncommitted() -> Iterator[None]:
    """A transaction that may stay open, idle, for as long as others take."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


def at_once[T](functions: Sequence[Callable[[], T]], *, threads: int = 16) -> list[T]:
    """Runs the functions in ``threads`` threads that start together; returns what each returned, in order.

    Raises what the first of them raised. Each thread has a database connection of its own, closed at its
    end; the test must be one with transactions.
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

"""Doing things at the same time."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor

from django.db import connections


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

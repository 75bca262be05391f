"""Concurrent threads and open transactions."""

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

from django.db import connection, connections, transaction


@contextmanager
def uncommitted() -> Iterator[None]:
    """A transaction without an idle timeout."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
        yield


@contextmanager
def overtaken[T](function: Callable[[], T]) -> Iterator[Callable[[], T]]:
    """A transaction with the block, at whose end ``function`` starts in a thread and waits for its locks.

    Yields what returns the function's result, for after the commit. The test needs transaction=True.
    """
    with ThreadPoolExecutor(1) as pool, uncommitted():
        futures: list[Future[T]] = []
        yield lambda: futures[0].result(timeout=30)
        futures.append(pool.submit(_closing, function))
        while not futures[0].done() and not somebody_waits():
            pass


def somebody_waits() -> bool:
    """Whether another connection waits for what this transaction holds."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks"
            " WHERE NOT granted AND pg_backend_pid() = ANY (pg_blocking_pids(pid))"
        )
        return bool(cursor.fetchone()[0])


@contextmanager
def meanwhile[T](function: Callable[[], T]) -> Iterator[Callable[[], None]]:
    """Yields what starts ``function`` in a thread; it returns when that is done, or waits for our locks.

    It is done at the end of the block, which raises its exception. The test needs transaction=True.
    """
    futures: list[Future[T]] = []
    with ThreadPoolExecutor(1) as pool:

        def start() -> None:
            futures.append(pool.submit(_closing, function))
            while not futures[0].done() and not somebody_waits():
                pass

        yield start
    [future] = futures
    future.result()


def _closing[T](function: Callable[[], T]) -> T:
    try:
        return function()
    finally:
        connections.close_all()


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
        return _closing(function)

    with ThreadPoolExecutor(max_workers=min(threads, len(functions))) as pool:
        return [future.result() for future in [pool.submit(run, function) for function in functions]]

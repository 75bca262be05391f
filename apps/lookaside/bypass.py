"""When reads bypass the cache: inside a transaction, which may see rows that are not committed."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

_bypassed: ContextVar[bool] = ContextVar("lookaside_bypassed", default=False)


@contextmanager
def bypassed() -> Iterator[None]:
    """Inside the block, reads compute and store nothing, as inside a transaction."""
    token = _bypassed.set(True)
    try:
        yield
    finally:
        _bypassed.reset(token)


def bypassing() -> bool:
    """Whether reads bypass the cache: inside `bypassed`, or any connection is in a transaction.

    Django does not know whether a transaction has written, so every transaction counts.
    """
    if _bypassed.get():
        return True
    # Runs before every read, in half the time of `connections.all(initialized_only=True)`.
    for alias in connections:
        connection = connections[alias]
        if connection.in_atomic_block or (connection.connection is not None and not connection.autocommit):
            return True
    return False

"""When the cache is left alone: inside a transaction, whose reads are nobody else's truth."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from django.db import connections

_asked_for: ContextVar[bool] = ContextVar("lookaside_bypassed", default=False)


@contextmanager
def bypassed() -> Iterator[None]:
    """Inside, reads compute and store nothing, as they do inside a transaction."""
    token = _asked_for.set(True)
    try:
        yield
    finally:
        _asked_for.reset(token)


def bypassing() -> bool:
    """Whether reads are to compute without storing: asked for, or any connection is in a transaction.

    Django does not know whether a transaction has written, so that every one counts.
    """
    if _asked_for.get():
        return True
    # Half the price of `connections.all(initialized_only=True)`, and this is asked before every read.
    for alias in connections:
        connection = connections[alias]
        if connection.in_atomic_block or (connection.connection is not None and not connection.autocommit):
            return True
    return False

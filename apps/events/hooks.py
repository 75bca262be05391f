"""Commit hooks that run before all others, each once for all items collected for it.

The only module that uses Django's private list of commit hooks, ``connection.run_on_commit``: its entries are
``(ids of the open savepoints, function, whether an exception is only logged)``.
"""

from collections.abc import Callable, Iterable
from typing import Any

from django.db import connection


class _Batch:
    """A commit hook: calls ``function`` with the items collected for it."""

    def __init__(self, function: Callable[[list[Any]], object], items: set[Any]) -> None:
        self.function = function
        self.items = items
        self.__qualname__ = function.__qualname__  # Django logs this name if the function raises

    def __call__(self) -> None:
        self.function(sorted(self.items))


def collect[T](function: Callable[[list[T]], object], items: Iterable[T]) -> None:
    """Calls ``function`` after the commit and before other hooks, once, with all its items, sorted.

    Outside a transaction it is called at once. Items are merged only while the same savepoints are open, so
    that the rollback of a savepoint drops exactly the items collected in it.
    """
    added = set(items)
    if not added:
        return
    if not connection.in_atomic_block:
        function(sorted(added))  # type: ignore[type-var]
        return
    # None stands for an `atomic` block without a savepoint.
    savepoints = set(connection.savepoint_ids) - {None}
    place = 0
    for opened, hook, _ in connection.run_on_commit:  # type: ignore[misc]
        if not isinstance(hook, _Batch):
            break
        if hook.function == function and opened == savepoints:
            hook.items |= added
            return
        place += 1
    entry = (savepoints, _Batch(function, added), True)
    connection.run_on_commit.insert(place, entry)  # type: ignore[arg-type]

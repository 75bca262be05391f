"""Commit hooks that run before all others, each once for all items collected for it.

The only module that uses Django's private list of commit hooks, ``connection.run_on_commit``: its entries are
``(ids of the open savepoints, function, whether an exception is only logged)``. Django has no hook before the
commit, so that a connection which needs one gets a ``commit`` of its own.
"""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from django.db import DEFAULT_DB_ALIAS, IntegrityError, connection, connections

logger = logging.getLogger(__name__)


class _Batch:
    """A commit hook: calls ``function`` with the items collected for it, and what ``before`` returned."""

    def __init__(
        self, function: Callable[..., object], items: set[Any], before: Callable[[list[Any]], object] | None
    ) -> None:
        self.function = function
        self.items = items
        self.before = before
        self.prepared: tuple[object, ...] = ()
        self.__qualname__ = function.__qualname__  # Django logs this name if the function raises

    def __call__(self) -> None:
        self.function(sorted(self.items), *self.prepared)

    def prepare(self) -> None:
        if self.before is not None:
            try:
                self.prepared = (self.before(sorted(self.items)),)
            except Exception:
                logger.exception("Error calling %s before the commit", self.before)

    def undo(self) -> None:
        if self.prepared:
            try:
                self()
            except Exception:
                logger.exception("Error calling %s after a refused commit", self.function)


def collect[T](
    function: Callable[..., object],
    items: Iterable[T],
    *,
    before: Callable[[list[T]], object] | None = None,
) -> None:
    """Calls ``function`` after the commit and before other hooks, once, with all its items, sorted.

    ``before`` is called with the same items, as the last act before the COMMIT, and ``function`` gets what it
    returned as a second argument; an exception of ``before`` is logged, and the transaction goes on. If a
    constraint refuses the COMMIT, ``function`` is called nevertheless, to undo what ``before`` did. Outside a
    transaction ``function`` is called at once, and ``before`` is not.

    Items are merged only while the same savepoints are open, so that the rollback of a savepoint drops
    exactly the items collected in it.
    """
    added = set(items)
    if not added:
        return
    if not connection.in_atomic_block:
        function(sorted(added))
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
    entry = (savepoints, _Batch(function, added, before), True)
    connection.run_on_commit.insert(place, entry)  # type: ignore[arg-type]
    if before is not None and "commit" not in vars(connections[DEFAULT_DB_ALIAS]):
        _prepare_before_commits()


def _prepare_before_commits() -> None:
    """Gives this thread's connection a ``commit`` that first calls each ``before`` of its transaction."""
    wrapper = connections[DEFAULT_DB_ALIAS]  # `connection` is a proxy, which follows the thread

    def commit() -> None:
        batches = _merged(wrapper)
        for batch in batches:
            batch.prepare()
        try:
            type(wrapper).commit(wrapper)
        except IntegrityError:  # certainly not committed, as after a lost connection it might be
            for batch in batches:
                batch.undo()
            raise

    wrapper.commit = commit  # type: ignore[method-assign]


def _merged(wrapper: Any) -> list[_Batch]:
    """The batches with a ``before``, after merging those of several savepoints: all are now to be committed.

    A batch of a savepoint that was rolled back is no longer in the list.
    """
    merged: dict[object, _Batch] = {}
    entries = []
    for entry in wrapper.run_on_commit:
        batch = entry[1]
        if isinstance(batch, _Batch) and batch.before is not None:
            first = merged.setdefault((batch.function, batch.before), batch)
            if first is not batch:
                first.items |= batch.items
                continue
        entries.append(entry)
    wrapper.run_on_commit[:] = entries
    return list(merged.values())

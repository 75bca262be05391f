"""An operator's actions. They leave leased commands alone: a worker may be carrying them out."""

from collections.abc import Iterable

from django.db.models.functions import Now

from apps.commandqueue.core import store
from apps.commandqueue.models import Command, State


def requeue(*, ids: Iterable[int] | None = None) -> int:
    """Make dead letters due again (without ``ids`` all of them); returns how many.

    Left out: mail that carried a secret or has expired, as its body is erased.
    """
    return store.requeue(None if ids is None else list(ids))


def discard(*, ids: Iterable[int]) -> int:
    """Give up waiting commands and dead letters; returns how many. Their rows stay until they are purged."""
    return Command.objects.filter(pk__in=list(ids), state__in=[State.WAITING, State.DEAD]).update(
        state=State.DISCARDED, finished_at=Now(), body=None
    )


def purge(*, older_than: float, states: Iterable[str] = (State.DONE, State.DISCARDED)) -> int:
    """Delete commands that finished so many seconds ago; returns how many."""
    deleted = 0
    while count := store.purge(states=list(states), age=older_than):
        deleted += count
    return deleted

"""What an operator does to commands. A worker's lease is respected: what it holds is left alone."""

from collections.abc import Iterable

from django.db.models.functions import Now

from apps.commandqueue.core import store
from apps.commandqueue.models import Command, State


def requeue(*, ids: Iterable[int] | None = None) -> int:
    """Have dead letters tried again at once (all of them without ``ids``); returns how many.

    Left out: mail that carried a secret, and mail that has expired, whose body is gone.
    """
    return store.requeue(None if ids is None else list(ids))


def discard(*, ids: Iterable[int]) -> int:
    """Give up commands that wait or are dead letters; returns how many. What they were stays visible."""
    return Command.objects.filter(pk__in=list(ids), state__in=[State.WAITING, State.DEAD]).update(
        state=State.DISCARDED, finished_at=Now(), body=None
    )


def purge(*, older_than: float, states: Iterable[str] = (State.DONE, State.DISCARDED)) -> int:
    """Delete commands that finished so many seconds ago; returns how many."""
    deleted = 0
    while count := store.purge(states=list(states), age=older_than):
        deleted += count
    return deleted

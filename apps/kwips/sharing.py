"""Shares: a person shows a kwip to their followers (`feeds/sql/shared.sql` says where).

Only a kwip for everyone can be shared, and not one's own: every network with a person has their kwips. When
the kwip is hidden later, the share stays and is shown nowhere.
"""

from django.db import transaction

from apps.accounts.models import User
from apps.events import Event
from apps.kwips import events
from apps.kwips.actions import Gone
from apps.kwips.counted import counting_mark, mark
from apps.kwips.models import Kwip, Share
from apps.kwips.visibility import SQL


class NotShareable(Exception):
    """The kwip is a comment, the person's own, or not for everyone."""


def share(*, kwip: Kwip, user: User) -> int:
    """Shares a kwip, once. Returns its number of shares. Raises `Gone`, `NotShareable`."""
    with transaction.atomic():
        if (count := _mark(kwip, user, "share", events.shared, by=1)) is not None:
            return count
        # Under the kwip's lock: afterwards, another click of the person can have taken the share back.
        is_shared = Share.objects.filter(kwip=kwip.pk, sharer=user).exists()
        transaction.set_rollback(True)
    count = _count(kwip)
    if not is_shared:
        raise NotShareable
    return count


def unshare(*, kwip: Kwip, user: User) -> int:
    """Takes a share back. Returns the kwip's number of shares. Raises `Gone`."""
    with transaction.atomic():
        if (count := _mark(kwip, user, "unshare", events.unshared, by=-1)) is not None:
            return count
        transaction.set_rollback(True)
    return _count(kwip)


def _mark(kwip: Kwip, user: User, statement: str, event: Event[events.Shared], *, by: int) -> int | None:
    """Locks the kwip, then who shares it, for the caller's transaction. None: the caller rolls back."""
    locks = [counting_mark("shares_count")]
    if by > 0:
        locks.append(SQL.statement("lock_person"))  # a block locks it too
    marked = mark(statement, kwip.pk, user.pk, by=by, locks=locks)
    if marked is None:
        return None
    event.emit(events.Shared(marked.kwip, user, marked.tags))
    return marked.kwip.shares_count


def _count(kwip: Kwip) -> int:
    if (count := Kwip.objects.filter(pk=kwip.pk).values_list("shares_count", flat=True).first()) is None:
        raise Gone
    return count

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


class NotShareable(Exception):
    """The kwip is a comment, the person's own, or not for everyone."""


def share(*, kwip: Kwip, user: User) -> int:
    """Shares a kwip, once. Returns its number of shares. Raises `Gone`, `NotShareable`."""
    if (count := _mark(kwip, user, "share", events.shared, by=1)) is not None:
        return count
    count = _count(kwip)
    if not Share.objects.filter(kwip=kwip.pk, sharer=user).exists():
        raise NotShareable
    return count


def unshare(*, kwip: Kwip, user: User) -> int:
    """Takes a share back. Returns the kwip's number of shares. Raises `Gone`."""
    count = _mark(kwip, user, "unshare", events.unshared, by=-1)
    return _count(kwip) if count is None else count


def _mark(kwip: Kwip, user: User, statement: str, event: Event[events.Shared], *, by: int) -> int | None:
    with transaction.atomic():
        marked = mark(statement, kwip.pk, user.pk, by=by, locks=[counting_mark("shares_count")])
        if marked is None:
            transaction.set_rollback(True)
            return None
        event.emit(events.Shared(marked.kwip, user, marked.tags))
        return marked.kwip.shares_count


def _count(kwip: Kwip) -> int:
    if (count := Kwip.objects.filter(pk=kwip.pk).values_list("shares_count", flat=True).first()) is None:
        raise Gone
    return count

"""Withholding what switched-off people wrote: `Kwip.withheld` follows `User.is_active`.

The newest `AT_ONCE` kwips and as many comments of a person change in the transaction of the switch, the rest by
a command, in batches. A row changes only under the lock of its author's row and to the state read there, so
the order of switches and commands does not matter, and each may run again. `publish` and `comment` take the
same lock. Locks are taken kwips first, people second; a switch holds the person already, so it skips kwips that
others have locked, and the command changes those.
"""

import time
from collections.abc import Callable

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.tasks import task

from apps.accounts import freshness
from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.kwips.models import Kwip, Withheld

AT_ONCE = 500
BATCH = 1_000
# The command leaves what it has not done in so many seconds to another one: others wait in its queue too.
SECONDS = 5.0

_KINDS = (Q(thread__isnull=True), Q(thread__isnull=False))
_BIT = Withheld.SUSPENDED.value
_marked = F("withheld").bitand(_BIT)


@transaction.atomic
def follow_switch(person_id: int) -> None:
    """Withholds or restores the newest of what a person wrote, and enqueues the rest. Within the switch."""
    person = lock_people({person_id})[person_id]
    for kind in _KINDS:
        rows = _differing(person).filter(kind).order_by("-pk")
        newest = rows.select_for_update(no_key=True, skip_locked=True).values_list("pk", flat=True)
        _align(person, list(newest[:AT_ONCE]))
    follow.enqueue(person_id)


@task(queue_name="now")
def follow(person_id: int) -> int:
    """Withholds or restores what a person wrote, for some seconds; then another command goes on. Returns how much."""
    until, changed = time.monotonic() + SECONDS, 0
    while number := _align_batch(person_id):
        changed += number
        if time.monotonic() > until:
            follow.enqueue(person_id)
            break
    return changed


def follow_all(report: Callable[[str, int], object] = lambda username, number: None) -> int:
    """Finds people whose kwips do not have their state, and aligns these. Returns how many kwips it changed.

    Repairs what changed `is_active` past the actions: the previous release during an upgrade, SQL.
    """
    total = 0
    off = User.objects.filter(is_active=False)
    on = User.objects.filter(
        is_active=True, pk__in=Kwip.objects.filter(withheld__gt=0).values("author").distinct()
    )
    for people in (off, on):
        for person in people.order_by("pk").iterator():
            changed = 0
            while number := _align_batch(person.pk):
                changed += number
                report(person.username, changed)
            total += changed
    return total


def _align_batch(person_id: int) -> int:
    """One transaction. Returns how many rows it looked at: 0 where none differs."""
    with transaction.atomic():
        person = User.objects.get(pk=person_id)
        for kind in _KINDS:
            ids = list(_differing(person).filter(kind).order_by("-pk").values_list("pk", flat=True)[:BATCH])
            if ids:
                locked = Kwip.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
                _align(lock_people({person_id})[person_id], list(locked.values_list("pk", flat=True)))
                return len(ids)
    return 0


def _differing(person: User) -> QuerySet[Kwip]:
    """What a person wrote that does not have their state."""
    rows = Kwip.objects.filter(author=person).alias(marked=_marked)
    return rows.filter(withheld__gt=0, marked__gt=0) if person.is_active else rows.filter(marked=0)


def _align(person: User, kwip_ids: list[int]) -> None:
    """Gives these kwips the state of their author. Both are locked."""
    if kwip_ids:
        clear, mark = F("withheld").bitand(~_BIT), F("withheld").bitor(_BIT)
        Kwip.objects.filter(pk__in=kwip_ids).update(withheld=clear if person.is_active else mark)
        # Every page that shows kwips shows people.
        freshness.changed(pages=[freshness.PEOPLE])

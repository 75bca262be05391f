"""Withholding what switched-off people wrote: `Kwip.withheld` follows `User.is_active`.

The newest `AT_ONCE` kwips and as many comments of a person change in the transaction of the switch, the rest
by a command, in batches. A row changes only under the lock of its author's row and to the state read there,
so the order of switches and commands does not matter, and each may run again. `publish` and `comment` take
the same lock. Locks are taken kwips first, people second; a switch holds the person already, so it skips
kwips that others have locked, and the command changes those.
"""

import time

import structlog
from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.tasks import task

from apps.accounts import events as accounts_events
from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.kwips import events
from apps.kwips.models import Kwip, Withheld

log = structlog.get_logger("kwippy.kwips")

AT_ONCE = 500
BATCH = 1_000
# The command leaves what it has not done in so many seconds to another one: others wait in its queue too.
SECONDS = 5.0

_KINDS = (Q(thread__isnull=True), Q(thread__isnull=False))
_BIT = Withheld.SUSPENDED.value
_marked = F("withheld").bitand(_BIT)


@accounts_events.switched_off.within
@accounts_events.switched_on.within
def on_switched(event: accounts_events.Switched) -> None:
    for person in event.people:
        align_newest(person.pk)


@accounts_events.profile_changed.within
def on_profile_changed(event: accounts_events.ProfileChanged) -> None:
    """`User.save`, as the admin's form does."""
    if "is_active" in event.fields:
        align_newest(event.user.pk)


def align_newest(person_id: int) -> None:
    """Withholds or restores the newest of what a person wrote, and enqueues the rest."""
    person = lock_people({person_id})[person_id]
    for kind in _KINDS:
        rows = _of(person).filter(kind).select_for_update(no_key=True, skip_locked=True)
        _write(person, list(rows.values_list("pk", flat=True)[:AT_ONCE]))
    align.enqueue(person_id)


@task(queue_name="now")
def align(person_id: int) -> int:
    """Withholds or restores what a person wrote. After some seconds another command takes over."""
    until, changed = time.monotonic() + SECONDS, 0
    while number := _align_batch(person_id):
        changed += number
        if time.monotonic() > until:
            align.enqueue(person_id)
            break
    return changed


@task(queue_name="bulk")
def align_all() -> int:
    """Aligns what people wrote whose state changed past the actions. Returns how many kwips that were.

    Such are the previous release during an upgrade, and SQL. The release step runs this, and the schedule.
    """
    of_person = _differing(is_active=False).filter(author=OuterRef("pk"))
    off = User.objects.filter(Exists(of_person.filter(_KINDS[0])) | Exists(of_person.filter(_KINDS[1])))
    withheld = Kwip.objects.filter(withheld__gt=0).values("author")
    total = 0
    for person in (*off.filter(is_active=False), *User.objects.filter(is_active=True, pk__in=withheld)):
        changed = 0
        while number := _align_batch(person.pk):
            changed += number
            log.info("withheld kwips aligned", person_id=person.pk, number=changed)
        total += changed
    return total


def _align_batch(person_id: int) -> int:
    """One transaction. Returns how many rows it looked at: 0 where none differs."""
    with transaction.atomic():
        person = User.objects.get(pk=person_id)
        for kind in _KINDS:
            ids = list(_of(person).filter(kind).values_list("pk", flat=True)[:BATCH])
            if ids:
                locked = Kwip.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
                _write(lock_people({person_id})[person_id], list(locked.values_list("pk", flat=True)))
                return len(ids)
    return 0


def _differing(*, is_active: bool) -> QuerySet[Kwip]:
    """Kwips that do not have this state of an author."""
    rows = Kwip.objects.alias(marked=_marked)
    return rows.filter(withheld__gt=0, marked__gt=0) if is_active else rows.filter(marked=0)


def _of(person: User) -> QuerySet[Kwip]:
    """What a person wrote that does not have their state, the newest first."""
    return _differing(is_active=person.is_active).filter(author=person).order_by("-pk")


def _write(person: User, kwip_ids: list[int]) -> None:
    """Gives these kwips the state of their author. Both are locked."""
    if kwip_ids:
        clear, mark = F("withheld").bitand(~_BIT), F("withheld").bitor(_BIT)
        Kwip.objects.filter(pk__in=kwip_ids).update(withheld=clear if person.is_active else mark)
        event = events.restored if person.is_active else events.withheld
        event.emit(events.Withholding(person, kwip_ids))

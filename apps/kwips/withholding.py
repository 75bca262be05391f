"""Withholds what switched-off people wrote: `Kwip.withheld` follows `User.is_active`.

The newest `AT_ONCE` kwips and as many comments change in the transaction of the switch, the rest in batches
by a command. A row changes only under the lock of its author's row, which `publish` and `comment` take too,
to the state read there: so switches and commands may run in any order, and again. The lock order is kwips,
then people. A switch already holds the person, so it skips locked kwips, and changes them after its commit.
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
SECONDS = 5.0  # after these a command enqueues its continuation, so that others of the queue run

_KINDS = (Q(thread__isnull=True), Q(thread__isnull=False))
_BIT = Withheld.SUSPENDED.value
_marked = F("withheld").bitand(_BIT)


@accounts_events.switched_off.within
@accounts_events.switched_on.within
def on_switched(event: accounts_events.Switched) -> None:
    for person in event.people:
        align_newest(person.pk)


@accounts_events.switched_off.after_commit
def on_switched_off(event: accounts_events.Switched) -> None:
    """Before the response: withholds the newest that were locked during the switch, in the order of locks."""
    for person in event.people:
        for kind in _KINDS:
            newest = Kwip.objects.filter(kind, author=person).order_by("-pk").values_list("pk", flat=True)
            _align_some(person.pk, Q(pk__in=list(newest[:AT_ONCE])), AT_ONCE)


@accounts_events.profile_changed.within
def on_profile_changed(event: accounts_events.ProfileChanged) -> None:
    """After `User.save`, as in the admin."""
    if "is_active" in event.fields:
        align_newest(event.user.pk)


def align_newest(person_id: int) -> None:
    """Withholds or restores the newest kwips and comments, and enqueues the rest."""
    person = lock_people({person_id})[person_id]
    for kind in _KINDS:
        rows = _of(person).filter(kind).select_for_update(no_key=True, skip_locked=True)
        _write(person, list(rows.values_list("pk", flat=True)[:AT_ONCE]))
    align.enqueue(person_id)


@task(queue_name="now")
def align(person_id: int) -> int:
    """Withholds or restores what a person wrote. Returns how many rows differed."""
    until, changed = time.monotonic() + SECONDS, 0
    while number := _align_batch(person_id):
        changed += number
        if time.monotonic() > until:
            align.enqueue(person_id)
            break
    return changed


@task(queue_name="bulk")
def align_all() -> int:
    """Aligns all kwips that differ: after SQL, or a switch by the previous release. Returns how many.

    The release step and the schedule run it.
    """
    of_person = _differing(is_active=False).filter(author=OuterRef("pk"))
    off = User.objects.filter(
        Exists(of_person.filter(_KINDS[0])) | Exists(of_person.filter(_KINDS[1])), is_active=False
    )
    withheld = Kwip.objects.filter(withheld__gt=0).values("author")
    total = 0
    for person in (*off, *User.objects.filter(is_active=True, pk__in=withheld)):
        changed = 0
        while number := _align_batch(person.pk):
            changed += number
            log.info("withheld kwips aligned", person_id=person.pk, number=changed)
        total += changed
    return total


def _align_batch(person_id: int) -> int:
    """Aligns one batch. Returns its size, 0 if no row differs."""
    return next((number for kind in _KINDS if (number := _align_some(person_id, kind, BATCH))), 0)


@transaction.atomic
def _align_some(person_id: int, among: Q, limit: int) -> int:
    ids = list(_of(User.objects.get(pk=person_id)).filter(among).values_list("pk", flat=True)[:limit])
    if ids:
        locked = Kwip.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True)
        _write(lock_people({person_id})[person_id], list(locked.values_list("pk", flat=True)))
    return len(ids)


def _differing(*, is_active: bool) -> QuerySet[Kwip]:
    """Kwips that differ from this state of an author."""
    rows = Kwip.objects.alias(marked=_marked)
    return rows.filter(withheld__gt=0, marked__gt=0) if is_active else rows.filter(marked=0)


def _of(person: User) -> QuerySet[Kwip]:
    """The kwips of a person that differ from their state, newest first."""
    return _differing(is_active=person.is_active).filter(author=person).order_by("-pk")


def _write(person: User, kwip_ids: list[int]) -> None:
    """Sets these kwips to the state of their author. The caller holds the locks of both."""
    if kwip_ids:
        clear, mark = F("withheld").bitand(~_BIT), F("withheld").bitor(_BIT)
        Kwip.objects.filter(pk__in=kwip_ids).update(withheld=clear if person.is_active else mark)
        event = events.restored if person.is_active else events.withheld
        event.emit(events.Withholding(person, kwip_ids))

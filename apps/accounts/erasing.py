"""Deletes a person and all about them, in batches: each app registers what it deletes.

    erase_due ─▶ for each person who is due: begin ─▶ the erasers, in their order ─▶ again, until none finds
                 a row ─▶ the user's row, the name reserved

An eraser deletes up to ``limit`` rows in a transaction of its own and returns their number, 0 if none is
left. So the task can be killed at any point, and run twice at the same time: what is left is deleted by the
next run. Rows that refer to the user by a foreign key and need nothing else, neither a counter nor a cache,
have no eraser: `_erase_references` finds them by the models.
"""

import time
from collections.abc import Callable, Iterator
from functools import cache, partial
from typing import Any, NamedTuple

import structlog
from django.apps import apps
from django.db import models, transaction
from django.tasks import task
from django.utils import timezone

from apps.accounts import names
from apps.accounts.counters import lock_people
from apps.accounts.models import Leaving, User
from apps.securitylog import Event, record

log = structlog.get_logger("kwippy.accounts")

type Erase = Callable[[int, int], int]  # (the person's id, the most rows) -> how many it deleted

BATCH = 100
SECONDS = 60.0  # after these the task enqueues its continuation, so that others of the queue run
BEGUN = "begun"
# The orders of erasers: what has counters; what is found by the person's names; the queue, to which those
# before it add; the names; all other rows.
WRITTEN, RELATED, ABOUT, QUEUE, NAMES, REFERENCES = range(6)


class Eraser(NamedTuple):
    order: int
    name: str
    erase: Erase


_erasers: list[Eraser] = []


class Postponed(Exception):
    """Something about the person is in use, such as a mail that is being sent: the next run deletes it."""


def register(name: str, erase: Erase, order: int) -> None:
    """Called from `AppConfig.ready`."""
    _erasers.append(Eraser(order, name, erase))
    _erasers.sort(key=lambda eraser: eraser.order)


@task(queue_name="bulk")
def erase_due() -> int:
    """Deletes the people whose time has come, or enqueues its continuation. Returns how many rows.

    It takes no arguments: a finished command stays in the queue's table, and would name the person.
    """
    until, number, failure = time.monotonic() + SECONDS, 0, None
    due = Leaving.objects.filter(due_at__lte=timezone.now()).order_by("due_at")
    for person_id in due.values_list("pk", flat=True):
        try:
            for erased in _batches(person_id):
                number += erased
                if time.monotonic() > until:
                    erase_due.enqueue()
                    return number
        except Postponed:
            log.info("account deletion postponed", person_id=person_id)
        except Exception as error:  # one person must not keep the others
            failure = error
            log.error("account deletion failed", person_id=person_id)
    if failure is not None:
        raise failure  # the queue tries again, and shows it
    return number


def _batches(person_id: int) -> Iterator[int]:
    """Deletes the person; yields the number of rows of each batch."""
    if not _begin(person_id):
        return
    found, total = 1, 0
    while found or not _erase_user(person_id, total):
        found = 0
        for eraser in _erasers:
            Leaving.objects.filter(pk=person_id).update(progress=eraser.name)
            while number := eraser.erase(person_id, BATCH):
                found += number
                yield number
        total += found


@transaction.atomic
def _begin(person_id: int) -> bool:
    """From now on the person cannot come back. False if they did, or an operator switched them on."""
    person = lock_people({person_id}).get(person_id)
    leaving = Leaving.objects.filter(pk=person_id).first()
    if person is None or leaving is None:
        return False
    if person.is_active:
        leaving.delete()
        log.warning("account deletion cancelled: the person is switched on", person_id=person_id)
        return False
    Leaving.objects.filter(pk=person_id, progress="").update(progress=BEGUN)
    return True


@transaction.atomic
def _erase_user(person_id: int, rows: int) -> bool:
    """Deletes the user, unless a row refers to them. Returns False then."""
    # The lock excludes new rows that refer to the user.
    person = User.objects.select_for_update().filter(pk=person_id).first()
    if person is None:
        return True
    if any(_rows(field, person_id).exists() for field in _references()):
        return False
    names.reserve(person.username, until=timezone.now() + names.RESERVED_FOR)
    person.delete()
    record(Event.DELETED, user_id=person_id, rows=rows)
    transaction.on_commit(partial(log.info, "account deleted", person_id=person_id, rows=rows))
    return True


def _erase_references(person_id: int, limit: int) -> int:
    """Deletes rows that refer to the user, or clears the column if the model says so."""
    for field in _references():
        if keys := list(_rows(field, person_id).values_list("pk", flat=True)[:limit]):
            rows = field.model._base_manager.filter(pk__in=keys)
            if field.remote_field.on_delete is models.SET_NULL:
                rows.update(**{field.name: None})
            else:
                rows.delete()
            return len(keys)
    return 0


def _rows(field: Any, person_id: int) -> models.QuerySet[Any]:
    return field.model._base_manager.filter(**{field.name: person_id})


@cache
def _references() -> list[Any]:
    """The foreign keys to a user of all installed models."""
    return [
        field
        for model in apps.get_models(include_auto_created=True)
        if model is not Leaving
        for field in model._meta.local_concrete_fields
        if field.related_model is User
    ]


register("references", _erase_references, REFERENCES)

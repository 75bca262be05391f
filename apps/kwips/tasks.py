"""Bulk removals: the operator starts them, the command queue runs them in batches.

Each batch is a transaction (`actions.delete_piece`). A task that is killed or fails resumes with the rest,
and running it twice changes nothing.
"""

import datetime
import time
from collections.abc import Iterable
from itertools import batched

import structlog
from django.contrib.admin.models import CHANGE, DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db import models, transaction
from django.db.models import Q
from django.tasks import task
from django.utils import timezone

from apps.accounts.models import User
from apps.commandqueue.models import Command, State
from apps.kwips import actions
from apps.kwips.models import Kwip, Tombstone
from apps.securitylog import Event, record

log = structlog.get_logger("kwippy.kwips")

BATCH = 100
SECONDS = 60.0  # after these a task enqueues its continuation, so that other tasks of the queue run
IDS = 1_000  # of one command


@transaction.atomic
def begin_removing_written(*, person: User, by: User) -> bool:
    """Enqueues the removal of all that a person wrote, unless it is enqueued. Returns whether it did."""
    if removals(person):
        return False
    _note(by.pk, person, CHANGE, "Began to remove what they wrote.")
    log.info("removal of a person's kwips began", person=person.username, person_id=person.pk, by=by.username)
    remove_written.enqueue(person.pk, by.pk, timezone.now().isoformat())
    return True


@transaction.atomic
def begin_removing(*, kwip_ids: Iterable[int], by: User, sought: str) -> int:
    """Enqueues the removal of these kwips and comments, found by ``sought``. Returns how many."""
    number = 0
    for some in batched(kwip_ids, IDS):
        number += len(some)
        remove.enqueue(list(some), by.pk)
    _note(by.pk, Kwip, DELETION, f"Began to remove {number:,} kwips and comments, found by {sought}.")
    log.info("removal of kwips began", number=number, by=by.username)
    return number


@task(queue_name="bulk")
def remove_written(person_id: int, by_id: int, began: str) -> int:
    """Removes what a person wrote, and enqueues its continuation. Returns how many kwips it removed."""
    until, removed = time.monotonic() + SECONDS, 0
    while number := actions.delete_some_of(author_id=person_id, limit=BATCH):
        removed += number
        if time.monotonic() > until:
            remove_written.enqueue(person_id, by_id, began)
            return removed
    since = datetime.datetime.fromisoformat(began)
    gone = Tombstone.objects.filter(author=person_id, deleted_at__gte=since).count()
    person = User.objects.get(pk=person_id)
    _note(by_id, person, CHANGE, f"Removed what they wrote: {gone:,} kwips and comments.")
    log.info("removal of a person's kwips done", person=person.username, person_id=person_id, removed=gone)
    return removed


@task(queue_name="bulk")
def remove(kwip_ids: list[int], by_id: int) -> int:
    """Removes these kwips and comments, with the comments below them. Returns how many."""
    removed = 0
    for some in batched(kwip_ids, BATCH):
        while number := actions.delete_piece(kwip_ids=some, limit=BATCH):
            removed += number
    if removed:  # 0 if the task runs for the second time
        _note(by_id, Kwip, DELETION, f"Removed {removed:,} kwips and comments.")
    log.info("removal of kwips done", removed=removed, by_id=by_id)
    return removed


def removals(person: User | None = None) -> int:
    """How many removals are waiting or running, of this person or in all."""
    # Not `IN`: each state has a partial index.
    commands = Command.objects.filter(Q(state=State.WAITING) | Q(state=State.LEASED))
    if person is not None:
        return commands.filter(task=remove_written.module_path, arguments__args__0=person.pk).count()
    return commands.filter(task__in=[remove.module_path, remove_written.module_path]).count()


def _note(by_id: int, about: models.Model | type[models.Model], flag: int, message: str) -> None:
    """Writes to the log of the admin."""
    kind = ContentType.objects.get_for_model(about)
    is_row = isinstance(about, models.Model)
    person_id = about.pk if isinstance(about, User) else None
    record(Event.STAFF_ACT, user_id=person_id, by=by_id, model=kind.model, act="remove")
    LogEntry.objects.create(
        user_id=by_id,
        content_type=kind,
        object_id=str(about.pk) if is_row else None,
        object_repr=str(about)[:200] if is_row else str(kind.name),
        action_flag=flag,
        change_message=message,
    )

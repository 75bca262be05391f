"""Tasks that recur: declared in TASKS[…]["OPTIONS"]["schedule"], kept in a table."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.tasks import task_backends
from django.tasks.base import Task
from django.utils.module_loading import import_string

from apps.commandqueue.models import Command, Schedule, State
from apps.commandqueue.tasks.backend import AnyTask, QueueTaskBackend

log = logging.getLogger(__name__)

# Whole intervals, so that the time of day stays; those that passed while no worker ran are left out.
_NEXT = """
    UPDATE commandqueue_schedule
    SET last_command_id = coalesce(%s, last_command_id),
        next_at = next_at + every * (1 + floor(
            extract(epoch FROM statement_timestamp() - next_at) / extract(epoch FROM every)
        ))
    WHERE name = %s
"""
_DUE = """
    SELECT name FROM commandqueue_schedule
    WHERE enabled AND next_at <= statement_timestamp()
    FOR UPDATE SKIP LOCKED
"""


def declared() -> dict[str, Schedule]:
    """What the settings declare, by name. Raises ImportError for a task that is not there."""
    entries = {}
    for alias in settings.TASKS:
        backend = task_backends[alias]
        if isinstance(backend, QueueTaskBackend):
            for name, entry in backend.options.get("schedule", {}).items():
                entries[name] = _entry(name, alias, entry)
    return entries


def align() -> None:
    """Bring the table in line with the settings; who is switched off, and when the next turn is, stays."""
    entries = declared()
    with transaction.atomic():
        Schedule.objects.exclude(pk__in=entries).delete()
        Schedule.objects.bulk_create(
            entries.values(),
            update_conflicts=True,
            unique_fields=["name"],
            update_fields=["backend", "task", "arguments", "every"],
        )


def enqueue_due() -> None:
    """Enqueue each task whose turn has come, once a turn however many workers there are.

    A task that is not finished by its next turn is not enqueued a second time.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_DUE)
        names = [row[0] for row in cursor.fetchall()]
        for entry in Schedule.objects.filter(pk__in=names):
            cursor.execute(_NEXT, [_enqueue(entry), entry.name])


def _enqueue(entry: Schedule) -> int | None:
    unfinished = [State.WAITING, State.LEASED]
    if Command.objects.filter(pk=entry.last_command_id or 0, state__in=unfinished).exists():
        return None
    try:
        task: AnyTask = import_string(entry.task)
    except ImportError as error:
        # The others' turns must not wait for this one.
        log.error("schedule %s: %s", entry.name, error)
        return None
    return int(task.using(backend=entry.backend).enqueue(**entry.arguments).id)


def _entry(name: str, alias: str, entry: dict[str, Any]) -> Schedule:
    if not isinstance(import_string(entry["task"]), Task):
        raise ImportError(f"{entry['task']} is no task")
    return Schedule(
        name=name,
        backend=alias,
        task=entry["task"],
        arguments=entry.get("kwargs", {}),
        every=timedelta(seconds=entry["every"]),
    )

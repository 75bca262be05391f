"""Recurring tasks: declared in TASKS[…]["OPTIONS"]["schedule"], their next turns kept in a table."""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.tasks import task_backends
from django.tasks.base import Task
from django.utils.module_loading import import_string

from apps.commandqueue.core import store
from apps.commandqueue.models import Command, Schedule, State
from apps.commandqueue.tasks.backend import AnyTask, QueueTaskBackend

log = logging.getLogger(__name__)


def declared() -> dict[str, Schedule]:
    """What the settings declare, by name. Raises ImportError for a task that does not exist."""
    entries = {}
    for alias in settings.TASKS:
        backend = task_backends[alias]
        if isinstance(backend, QueueTaskBackend):
            for name, entry in backend.options.get("schedule", {}).items():
                entries[name] = _entry(name, alias, entry)
    return entries


def sync_schedule() -> None:
    """Make the table match the settings; next turns, and whether an entry is enabled, stay as they are."""
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
    """Enqueue each recurring task that is due, once a turn, whatever the number of workers.

    A turn is skipped while the task's previous command has not finished.
    """
    with transaction.atomic():
        names = [row[0] for row in store.run("lock_due_schedules")]
        for entry in Schedule.objects.filter(pk__in=names):
            store.run("advance_schedule", command_id=_enqueue(entry), name=entry.name)


def _enqueue(entry: Schedule) -> int | None:
    unfinished = [State.WAITING, State.LEASED]
    if Command.objects.filter(pk=entry.last_command_id or 0, state__in=unfinished).exists():
        return None
    try:
        task: AnyTask = import_string(entry.task)
    except ImportError as error:
        # One entry that fails must not delay the others.
        log.error("schedule %s: %s", entry.name, error)
        return None
    return int(task.using(backend=entry.backend).enqueue(**entry.arguments).id)


def _entry(name: str, alias: str, entry: dict[str, Any]) -> Schedule:
    if not isinstance(import_string(entry["task"]), Task):
        raise ImportError(f"{entry['task']} is not a task")
    return Schedule(
        name=name,
        backend=alias,
        task=entry["task"],
        arguments=entry.get("kwargs", {}),
        every=timedelta(seconds=entry["every"]),
    )

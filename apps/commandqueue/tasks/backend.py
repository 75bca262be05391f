"""The backend for TASKS, Django's setting: enqueueing is one INSERT in the caller's transaction."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from django.core import checks
from django.tasks.backends.base import BaseTaskBackend
from django.tasks.base import Task, TaskError, TaskResult, TaskResultStatus
from django.tasks.exceptions import TaskResultDoesNotExist
from django.tasks.signals import task_enqueued
from django.utils.json import normalize_json
from django.utils.module_loading import import_string

from apps.commandqueue.core import statements
from apps.commandqueue.models import Command, Kind, Queue, State

# Django's classes are generic for type checkers alone; an alias is not evaluated.
type AnyTask = Task[Any, Any]
type AnyResult = TaskResult[Any, Any]

MAX_ATTEMPTS = 5
TIME_LIMIT = 300.0
EXPIRES_AFTER = 604_800.0
OPTIONS = {"max_attempts", "time_limit", "expires_after", "batched", "schedule"}

_STATUS = {
    State.WAITING: TaskResultStatus.READY,
    State.LEASED: TaskResultStatus.RUNNING,
    State.DONE: TaskResultStatus.SUCCESSFUL,
    State.DEAD: TaskResultStatus.FAILED,
    State.DISCARDED: TaskResultStatus.FAILED,
}


class QueueTaskBackend(BaseTaskBackend):
    """Enqueues tasks; a worker runs them. QUEUES can only leave out some of `Queue`.

    OPTIONS, the first three a number or a mapping of numbers by queue: ``max_attempts`` (5); ``time_limit``,
    seconds (300) until a task counts as lost and may be started again; ``expires_after``, seconds (a week)
    until a failing task is a dead letter; ``batched``, the paths of tasks that are short and may run twice:
    they are started and settled twenty to a transaction, and if their worker is killed all these run again;
    ``schedule``, recurring tasks: ``{name: {"task": its path, "every": seconds, "kwargs": {}}}``.
    """

    supports_defer = True
    supports_async_task = True
    supports_get_result = True
    supports_priority = True

    def __init__(self, alias: str, params: Mapping[str, Any]) -> None:
        super().__init__(alias, {"QUEUES": Queue.values, **params})

    def enqueue(self, task: AnyTask, args: Sequence[Any], kwargs: Mapping[str, Any]) -> AnyResult:
        """Enqueue a task. Raises InvalidTask, TypeError if its arguments are not JSON, DatabaseError."""
        self.validate_task(task)
        arguments = {"args": normalize_json(list(args)), "kwargs": normalize_json(dict(kwargs))}
        rows = statements.run(
            "enqueue_task",
            {
                "queue_name": task.queue_name,
                "backend": self.alias,
                "priority": task.priority,
                "run_after": task.run_after,
                "lifetime": self.option("expires_after", task.queue_name, EXPIRES_AFTER),
                "task": task.module_path,
                "arguments": json.dumps(arguments),
            },
        )
        [(command_id, created_at)] = rows
        result = self._result(task, command_id, created_at, arguments)
        task_enqueued.send(type(self), task_result=result)
        return result

    def get_result(self, result_id: str) -> AnyResult:
        """A task's result. Raises TaskResultDoesNotExist if it was never enqueued, or is purged."""
        if not (result_id.isascii() and result_id.isdigit() and len(result_id) < 19):
            raise TaskResultDoesNotExist(result_id)
        try:
            command = Command.objects.defer("body").get(pk=int(result_id), kind=Kind.TASK, backend=self.alias)
        except Command.DoesNotExist:
            raise TaskResultDoesNotExist(result_id) from None
        return self.result_of(command)

    def result_of(self, command: Command) -> AnyResult:
        """A command as Django's TaskResult. Raises ImportError if its task can't be imported any more."""
        task = task_of(command)
        result = self._result(task, command.pk, command.created_at, command.arguments or {})
        result = replace(
            result,
            # Claimed, but not started.
            status=(
                TaskResultStatus.READY
                if command.state == State.LEASED and not command.lost_attempts
                else _STATUS[State(command.state)]
            ),
            started_at=command.started_at,
            last_attempted_at=command.attempted_at,
            finished_at=command.finished_at,
            errors=[
                TaskError(exception_class_path=error["exception"], traceback=error["traceback"])
                for error in command.errors
                if "exception" in error
            ],
            worker_ids=list(command.worker_ids),
        )
        object.__setattr__(result, "_return_value", (command.result or {}).get("value"))
        return result

    def option(self, name: str, queue_name: str, default: float) -> float:
        """An option's value for a queue."""
        value = self.options.get(name, default)
        return float(value.get(queue_name, default) if isinstance(value, dict) else value)

    def check(self, **kwargs: Any) -> list[checks.CheckMessage]:
        """Unknown QUEUES and OPTIONS, schedule entries that can't run, batched tasks that do not exist."""
        problems: list[checks.CheckMessage] = []
        if unknown := self.queues - set(Queue.values):
            problems.append(
                checks.Error(
                    f"TASKS[{self.alias!r}]: {sorted(unknown)} are unknown queues.",
                    hint=f"QUEUES may name {', '.join(Queue.values)}.",
                    id="commandqueue.E001",
                )
            )
        if unknown := set(self.options) - OPTIONS:
            problems.append(
                checks.Error(
                    f"TASKS[{self.alias!r}]: unknown options {sorted(unknown)}.", id="commandqueue.E002"
                )
            )
        problems += [
            checks.Error(
                f"TASKS[{self.alias!r}]: batched names {path!r}, which is no task.", id="commandqueue.E004"
            )
            for path in self.options.get("batched", ())
            if not _is_task(path)
        ]
        for name, entry in self.options.get("schedule", {}).items():
            try:
                recurs = _is_task(entry["task"]) and entry["every"] >= 1
            except (KeyError, TypeError):
                recurs = False
            if not recurs:
                problems.append(
                    checks.Error(
                        f"TASKS[{self.alias!r}]: schedule entry {name!r} has no valid task or interval.",
                        hint='Write {"task": a task\'s dotted path, "every": seconds, at least 1}.',
                        id="commandqueue.E003",
                    )
                )
        return problems

    def _result(
        self, task: AnyTask, command_id: int, created_at: datetime, arguments: Mapping[str, Any]
    ) -> AnyResult:
        return TaskResult(
            task=task,
            id=str(command_id),
            status=TaskResultStatus.READY,
            enqueued_at=created_at,
            started_at=None,
            last_attempted_at=None,
            finished_at=None,
            args=arguments.get("args", []),
            kwargs=arguments.get("kwargs", {}),
            backend=self.alias,
            errors=[],
            worker_ids=[],
        )


def _is_task(path: str) -> bool:
    try:
        return isinstance(import_string(path), Task)
    except ImportError:
        return False


def task_of(command: Command) -> AnyTask:
    """The task that a command names, with the command's options. Raises ImportError if it does not exist."""
    task = import_string(command.task)
    if not isinstance(task, Task):
        raise ImportError(f"{command.task} is not a task")
    return replace(
        task,
        priority=command.priority,
        queue_name=command.queue_name,
        run_after=command.run_after,
        backend=command.backend,
    )

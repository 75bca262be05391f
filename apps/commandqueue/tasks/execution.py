"""Task commands: one attempt to run one task."""

import traceback
from typing import Any

from django.db import close_old_connections, connection
from django.tasks import task_backends
from django.tasks.base import TaskContext
from django.tasks.signals import task_finished, task_started
from django.utils.json import normalize_json

from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.errors import Never
from apps.commandqueue.models import Command, State
from apps.commandqueue.tasks.backend import MAX_ATTEMPTS, TIME_LIMIT, AnyResult, QueueTaskBackend


def time_limit(command: store.Claimed) -> float:
    """Seconds for which a task is leased."""
    return _backend(command).option("time_limit", command.lane, TIME_LIMIT)


def execute(held: store.Held) -> Outcome:
    """Run a task; returns what became of it, whatever it raised (except KeyboardInterrupt)."""
    close_old_connections()
    try:
        backend = _backend(held.claimed)
        result = backend.result_of(Command.objects.get(pk=held.id))
        task_started.send(type(backend), task_result=result)
        close_old_connections()  # one of a pool is lent to the task when it asks, and not before
        return Outcome(State.DONE, result={"value": _call(result)})
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _failure(held, error)
    finally:
        if connection.in_atomic_block or not connection.autocommit:
            connection.close()  # a task that left a transaction open must not have our statements in it


def announce(held: store.Held) -> None:
    """Tell Django's signal that a task has finished, well or not."""
    backend = _backend(held.claimed)
    task_finished.send(type(backend), task_result=backend.get_result(str(held.id)))


def _call(result: AnyResult) -> Any:
    task: Any = result.task
    arguments = [TaskContext(task_result=result), *result.args] if task.takes_context else result.args
    return normalize_json(task.call(*arguments, **result.kwargs))


def _failure(held: store.Held, error: BaseException) -> Outcome:
    kind = type(error)
    entry = {
        "reason": f"{kind.__name__}: {error}"[:500],
        "exception": f"{kind.__module__}.{kind.__qualname__}",
        "traceback": "".join(traceback.format_exception(error)),
    }
    most = _backend(held.claimed).option("max_attempts", held.claimed.lane, MAX_ATTEMPTS)
    if isinstance(error, Never) or held.attempts >= most:
        return Outcome(State.DEAD, error=entry)
    return Outcome(State.WAITING, delay=outcomes.backoff(held.attempts), error=entry)


def _backend(command: store.Claimed) -> QueueTaskBackend:
    backend = task_backends[command.backend]
    if not isinstance(backend, QueueTaskBackend):
        raise TypeError(f"TASKS[{command.backend!r}] is not the queue's any more")
    return backend

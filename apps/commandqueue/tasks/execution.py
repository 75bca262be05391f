"""Task commands: one attempt to run one task."""

import json
import traceback
from typing import Any

from django.conf import settings
from django.db import close_old_connections, connection
from django.tasks import task_backends
from django.tasks.base import TaskContext
from django.tasks.signals import task_finished, task_started
from django.utils import timezone
from django.utils.json import normalize_json

from apps.commandqueue import PermanentFailure
from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.models import Command, State
from apps.commandqueue.tasks.backend import MAX_ATTEMPTS, TIME_LIMIT, AnyResult, QueueTaskBackend


def time_limit(command: store.ClaimedCommand) -> float:
    """Seconds that a task is leased for."""
    return _backend(command).option("time_limit", command.queue_name, TIME_LIMIT)


def may_be_batched(command: store.ClaimedCommand) -> bool:
    """Whether it may share its transactions with others.

    Not after an attempt whose result was lost: what crashed the worker is then found by itself.
    """
    return not command.lost_attempts and command.task in _backend(command).options.get("batched", ())


def any_is_batched() -> bool:
    """Whether any backend has batched tasks."""
    return any(entry.get("OPTIONS", {}).get("batched") for entry in settings.TASKS.values())


def execute(attempt: store.Attempt, *, keeps_connection: bool = False) -> Outcome:
    """Run a task; returns the outcome, whatever the task raises (except KeyboardInterrupt).

    It begins without a connection, and checks one out of the pool when it needs it. Batched tasks are short:
    they keep the connection that claimed them.
    """
    try:
        backend = _backend(attempt.command)
        result = backend.result_of(_record(attempt))
        task_started.send(type(backend), task_result=result)
        if not keeps_connection:
            close_old_connections()
        return Outcome(State.DONE, result={"value": _call(result)})
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return _failure(attempt, error)
    finally:
        if connection.in_atomic_block or not connection.autocommit:
            connection.close()  # the task left a transaction open: ours must not run inside it


def send_task_finished(attempt: store.Attempt, state: str, outcome: Outcome) -> None:
    """Send Django's signal that a task has finished, successfully or not, and was settled."""
    backend, record = _backend(attempt.command), _record(attempt)
    record.state, record.result, record.finished_at = state, outcome.result, timezone.now()
    if outcome.error is not None:
        record.errors = [*record.errors, outcome.error][-10:]
    # A receiver that fails must not keep the next command, which is started, from being run.
    task_finished.send_robust(type(backend), task_result=backend.result_of(record))


def _record(attempt: store.Attempt) -> Command:
    if attempt.record is None:
        raise TypeError(f"command {attempt.id} is no task")
    return attempt.record


def _call(result: AnyResult) -> Any:
    task: Any = result.task
    arguments = [TaskContext(task_result=result), *result.args] if task.takes_context else result.args
    value = normalize_json(task.call(*arguments, **result.kwargs))
    _check_jsonb(value)
    return value


def _check_jsonb(value: Any) -> None:
    """Raise ValueError for what jsonb refuses: NaN, infinity, NUL, half of a surrogate pair.

    PostgreSQL would refuse the settlement, of a whole batch.
    """
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    if "\\u0000" in text.replace("\\\\", ""):
        raise ValueError("a task may not return NUL characters: jsonb has none")


def _failure(attempt: store.Attempt, error: BaseException) -> Outcome:
    kind = type(error)
    entry = {
        "reason": _for_jsonb(f"{kind.__name__}: {error}"[:500]),
        "exception": f"{kind.__module__}.{kind.__qualname__}",
        "traceback": _for_jsonb("".join(traceback.format_exception(error))),
    }
    most = _backend(attempt.command).option("max_attempts", attempt.command.queue_name, MAX_ATTEMPTS)
    if isinstance(error, PermanentFailure) or attempt.number >= most:
        return Outcome(State.DEAD, error=entry)
    return Outcome(State.WAITING, delay=outcomes.backoff(attempt.number), error=entry)


def _for_jsonb(text: str) -> str:
    """The text of an exception, with what jsonb refuses replaced."""
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}").encode(errors="replace").decode()


def _backend(command: store.ClaimedCommand) -> QueueTaskBackend:
    backend = task_backends[command.backend]
    if not isinstance(backend, QueueTaskBackend):
        raise TypeError(f"TASKS[{command.backend!r}] is not a QueueTaskBackend")
    return backend

"""The queue's statements with types: each one short transaction."""

import datetime
import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.commandqueue.core import statements
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.models import Command, Kind, QueueControl, State


@dataclass(frozen=True, slots=True)
class ClaimedCommand:
    """A command that this worker has leased and not started."""

    id: int
    kind: str
    queue_name: str
    backend: str
    recipients: int
    token: uuid.UUID
    task: str = ""
    # Attempts in a row whose result was lost.
    lost_attempts: int = 0
    due_at: datetime.datetime | None = None


@dataclass(frozen=True, slots=True)
class Attempt:
    """A started command: its lease was just renewed, the attempt is counted."""

    command: ClaimedCommand
    number: int
    message_id: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    # Of a task: what its TaskResult is made of.
    record: Command | None = None

    @property
    def id(self) -> int:
        """The command's id."""
        return self.command.id


@dataclass(frozen=True, slots=True)
class QueueCount:
    """How many commands of a queue are in a state.

    ``age`` is the oldest one's, in seconds: since it was enqueued or was to run, of a dead letter since it
    died. ``stuck`` of them wait after a failed attempt, or were due for a minute and not started.
    """

    queue_name: str
    state: str
    count: int
    age: float
    stuck: int


@dataclass(frozen=True, slots=True)
class StuckCommand:
    """Times in seconds; ``next_in`` is the time until the next attempt."""

    id: int
    kind: str
    queue_name: str
    age: float
    attempts: int
    next_in: float
    error: dict[str, str] | None


@dataclass(frozen=True, slots=True)
class QuotaRequest:
    """A message's ``share`` (recipients) of a mailer's daily ``cap``; ``pause`` seconds must follow it."""

    mailer: str
    share: int
    cap: int
    pause: float


def claim(
    *,
    queue_name: str,
    limit: int,
    lease: float,
    not_kinds: Sequence[str] = (),
    since: datetime.datetime | None = None,
) -> list[ClaimedCommand]:
    """Lease up to ``limit`` commands for ``lease`` seconds, by priority, of those due since ``since``.

    Fewer if the queue has a pace, and none while it is paused.
    """
    token = uuid.uuid4()
    rows = run(
        "claim",
        queue_name=queue_name,
        limit=limit,
        lease=lease,
        token=token.hex,
        not_kinds=list(not_kinds),
        since=since,
    )
    rows.sort(key=lambda row: (-row[7], row[8], row[0]))
    return [
        ClaimedCommand(
            id=row[0],
            kind=row[1],
            queue_name=row[2],
            backend=row[3],
            recipients=row[4],
            token=token,
            task=row[5],
            lost_attempts=row[6],
            due_at=row[8],
        )
        for row in rows
    ]


def oldest(queue_name: str, since: datetime.datetime | None) -> datetime.datetime:
    """When the first waiting command became due of those due since ``since``; at the latest a second ago."""
    [[due_at]] = run("oldest", queue_name=queue_name, since=since)
    found: datetime.datetime = due_at
    return found


def settle_and_renew(
    done: ClaimedCommand | None,
    following: ClaimedCommand | None,
    *,
    worker: str,
    lease: float,
    result: Mapping[str, Any] | None = None,
) -> tuple[bool, Attempt | None]:
    """Settle ``done`` as done and renew the lease of ``following``, which starts its attempt.

    Returns whether the lease of ``done`` was still ours (True for None), and the attempt, or None if the
    lease of ``following`` was lost.
    """
    [row] = run(
        "settle_and_renew",
        done=done and done.id,
        done_token=done and done.token.hex,
        result=_json(result),
        next=following and following.id,
        next_token=following and following.token.hex,
        worker=worker,
        lease=lease,
    )
    attempt = None
    if following is not None and row[1] is not None:
        attempt = _attempt(following, row[1:])
    return done is None or row[0] == 1, attempt


def start_batch(commands: Sequence[ClaimedCommand], *, worker: str, lease: float) -> list[Attempt]:
    """Start commands of one claim; returns the attempts of those whose lease is ours, in the same order."""
    rows = run(
        "start_batch",
        ids=[command.id for command in commands],
        token=commands[0].token.hex,
        worker=worker,
        lease=lease,
    )
    by_id = {row[0]: row for row in rows}
    return [_attempt(command, by_id[command.id]) for command in commands if command.id in by_id]


def settle_batch(done: Sequence[tuple[ClaimedCommand, Mapping[str, Any] | None]]) -> set[int]:
    """Settle commands of one claim as done, with their results; returns the ids whose lease was ours."""
    rows = run(
        "settle_batch",
        ids=[command.id for command, _ in done],
        results=[_json(result) for _, result in done],
        token=done[0][0].token.hex,
    )
    return {row[0] for row in rows}


def settle(command: ClaimedCommand, outcome: Outcome) -> str | None:
    """Record the result of an attempt; returns the command's new state, or None if its lease was lost."""
    rows = run(
        "settle",
        id=command.id,
        token=command.token.hex,
        state=outcome.state,
        delay=outcome.delay,
        error=_json(outcome.error),
        recipients=None if outcome.recipients is None else list(outcome.recipients),
        refused=json.dumps(outcome.refused),
        result=_json(outcome.result),
    )
    return rows[0][0] if rows else None


def release(commands: Sequence[ClaimedCommand], *, counted: bool = False, reason: str | None = None) -> None:
    """Give back commands of one claim; if their attempts were ``counted``, they are not any more."""
    if commands:
        ids = [command.id for command in commands]
        run("release", ids=ids, token=commands[0].token.hex, counted=int(counted), reason=reason)


def add_error(command_id: int, error: Mapping[str, str]) -> None:
    """Append to the errors of a command, whatever its state."""
    run("add_error", id=command_id, error=json.dumps(error))


def reap(*, max_lost_attempts: int, base: float) -> list[tuple[int, bool]]:
    """Take back up to 1,000 leases that have ended; returns ids, and whether each is a dead letter now."""
    return run("reap", max_lost_attempts=max_lost_attempts, base=base)


def expire() -> int:
    """Make up to 1,000 waiting commands that have expired dead letters; returns how many."""
    return len(run("expire"))


def erase_bodies() -> int:
    """Erase the bodies of up to 1,000 dead letters that have expired; returns how many."""
    return len(run("erase_bodies"))


def purge(*, states: Sequence[str], age: float) -> int:
    """Delete up to 1,000 commands, finished ``age`` seconds ago in one of the states; returns how many."""
    return len(run("purge", states=list(states), age=age))


def requeue(ids: Sequence[int] | None) -> int:
    """Make these dead letters (None: all) due again; returns how many."""
    return len(run("requeue", ids=ids))


def dead_rows() -> int:
    """The number of dead rows of the table, by PostgreSQL's statistics."""
    [[count]] = run("dead_rows")
    return int(count)


def vacuum() -> None:
    """Make the space of dead rows reusable. Not inside a transaction."""
    run("vacuum")


def take_quota(request: QuotaRequest) -> float:
    """Take a message's share of its mailer's quota; returns 0, or the seconds to wait before asking again."""
    [[seconds]] = run(
        "take_quota", mailer=request.mailer, share=request.share, cap=request.cap, pause=request.pause
    )
    return float(seconds)


def status() -> list[QueueCount]:
    """The waiting, leased and dead commands of each queue."""
    return [
        QueueCount(name, state, count, float(age), stuck) for name, state, count, age, stuck in run("status")
    ]


def paused() -> set[str]:
    """The queues that an operator has paused."""
    return set(QueueControl.objects.filter(paused=True).values_list("queue_name", flat=True))


def paces() -> dict[str, int]:
    """The pace of each queue that has one and is not paused, in commands a second."""
    rows = QueueControl.objects.filter(paused=False)
    return {row.queue_name: row.per_second for row in rows if row.per_second is not None}


def stuck(*, limit: int) -> list[StuckCommand]:
    """The oldest stuck commands."""
    return [
        StuckCommand(
            row[0], row[1], row[2], float(row[3]), row[4], float(row[5]), json.loads(row[6] or "null")
        )
        for row in run("stuck", limit=limit)
    ]


def run(statement: str, /, **parameters: Any) -> list[Any]:
    """Execute one of the statements by name; returns its rows."""
    return statements.run(statement, parameters)


def _attempt(command: ClaimedCommand, row: Sequence[Any]) -> Attempt:
    """The attempt that settle_and_renew.sql or start_batch.sql has started."""
    _, worker_ids, message_id, sender, recipients, refused, body, *task = row
    return Attempt(
        command=command,
        number=len(worker_ids),
        message_id=message_id,
        sender=sender,
        recipients=recipients,
        refused=json.loads(refused),
        body=bytes(body or b""),
        record=_record(command, worker_ids, *task) if command.kind == Kind.TASK else None,
    )


def _record(command: ClaimedCommand, worker_ids: list[str], *columns: Any) -> Command:
    """A started task's row, without another query."""
    task, arguments, priority, created_at, run_after, started_at, attempted_at, errors = columns
    return Command(
        id=command.id,
        kind=command.kind,
        queue_name=command.queue_name,
        backend=command.backend,
        priority=priority,
        state=State.LEASED,
        created_at=created_at,
        run_after=run_after,
        started_at=started_at,
        attempted_at=attempted_at,
        worker_ids=worker_ids,
        lost_attempts=command.lost_attempts + 1,
        errors=json.loads(errors),
        task=task,
        arguments=json.loads(arguments or "null"),
    )


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)

"""The queue's statements with types: each one short transaction."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.commandqueue.core import statements
from apps.commandqueue.core.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class ClaimedCommand:
    """A command that this worker has leased and not started."""

    id: int
    kind: str
    queue_name: str
    backend: str
    recipients: int
    token: uuid.UUID


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
    *, queue_name: str, limit: int, lease: float, not_kinds: Sequence[str] = ()
) -> list[ClaimedCommand]:
    """Lease up to ``limit`` due commands for ``lease`` seconds, by priority."""
    token = uuid.uuid4()
    rows = run(
        "claim", queue_name=queue_name, limit=limit, lease=lease, token=token.hex, not_kinds=list(not_kinds)
    )
    rows.sort(key=lambda row: (-row[5], row[6], row[0]))
    return [ClaimedCommand(row[0], row[1], row[2], row[3], row[4], token) for row in rows]


def settle_and_renew(
    sent: ClaimedCommand | None, following: ClaimedCommand | None, *, worker: str, lease: float
) -> tuple[bool, Attempt | None]:
    """Settle ``sent`` as done and renew the lease of ``following``, which starts its attempt.

    Returns whether the lease of ``sent`` was still ours (True for None), and the attempt, or None if the
    lease of ``following`` was lost.
    """
    [row] = run(
        "settle_and_renew",
        sent=sent and sent.id,
        sent_token=sent and sent.token.hex,
        next=following and following.id,
        next_token=following and following.token.hex,
        worker=worker,
        lease=lease,
    )
    attempt = None
    if following is not None and row[1] is not None:
        number, message_id, sender, recipients, refused, body = row[2:]
        attempt = Attempt(
            command=following,
            number=number,
            message_id=message_id,
            sender=sender,
            recipients=recipients,
            refused=json.loads(refused),
            body=bytes(body or b""),
        )
    return sent is None or row[0] == 1, attempt


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


def release(commands: Sequence[ClaimedCommand]) -> None:
    """Give back commands of one claim that were not started."""
    if commands:
        run("release", ids=[command.id for command in commands], token=commands[0].token.hex)


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


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)

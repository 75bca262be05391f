"""The queue's statements, typed: what a worker does to the table, each in one short transaction."""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.commandqueue.core import statements
from apps.commandqueue.core.outcomes import Outcome


@dataclass(frozen=True, slots=True)
class Claimed:
    """A command that is leased to us and not begun."""

    id: int
    kind: str
    lane: str
    backend: str
    recipients: int
    token: uuid.UUID


@dataclass(frozen=True, slots=True)
class Held:
    """A command whose lease we have just renewed: ours to carry out until the lease ends."""

    claimed: Claimed
    attempts: int
    message_id: str = ""
    sender: str = ""
    recipients: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def id(self) -> int:
        return self.claimed.id


@dataclass(frozen=True, slots=True)
class Count:
    """How many commands of a lane are in a state.

    ``age`` is in seconds: of the oldest since it was made or was to be run, of a dead letter since it died.
    ``stuck`` of them wait after a failed attempt, or have not been begun within a minute.
    """

    lane: str
    state: str
    count: int
    age: float
    stuck: int


@dataclass(frozen=True, slots=True)
class Stuck:
    """A command that is stuck: times in seconds, the next attempt's from now."""

    id: int
    kind: str
    lane: str
    age: float
    attempts: int
    next_in: float
    error: dict[str, str] | None


def claim(*, lane: str, limit: int, lease: float, not_kinds: Sequence[str] = ()) -> list[Claimed]:
    """Lease up to ``limit`` due commands for ``lease`` seconds; the most urgent come first."""
    token = uuid.uuid4()
    rows = run("claim", lane=lane, limit=limit, lease=lease, token=token.hex, not_kinds=list(not_kinds))
    rows.sort(key=lambda row: (-row[5], row[6], row[0]))
    return [Claimed(row[0], row[1], row[2], row[3], row[4], token) for row in rows]


def advance(
    sent: Claimed | None, following: Claimed | None, *, worker: str, lease: float
) -> tuple[bool, Held | None]:
    """Settle ``sent``, which went out, and renew the lease of ``following``, counting its attempt.

    Returns whether the first was still ours (True if there was none), and the second unless it was lost.
    """
    [row] = run(
        "advance",
        sent=sent and sent.id,
        sent_token=sent and sent.token.hex,
        next=following and following.id,
        next_token=following and following.token.hex,
        worker=worker,
        lease=lease,
    )
    held = None
    if following is not None and row[1] is not None:
        attempts, message_id, sender, recipients, refused, body = row[2:]
        held = Held(
            claimed=following,
            attempts=attempts,
            message_id=message_id,
            sender=sender,
            recipients=recipients,
            refused=json.loads(refused),
            body=bytes(body or b""),
        )
    return sent is None or row[0] == 1, held


def settle(command: Claimed, outcome: Outcome) -> str | None:
    """Write down how an attempt ended; returns the command's new state, or None if its lease was lost."""
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


def release(commands: Sequence[Claimed]) -> None:
    """Give back what was claimed and not begun."""
    if commands:
        # One claim, one token.
        run("release", ids=[command.id for command in commands], token=commands[0].token.hex)


def reap(*, most_unanswered: int, base: float) -> list[tuple[int, bool]]:
    """Take back what lost workers held: ids, and whether each is a dead letter now."""
    return run("reap", most_unanswered=most_unanswered, base=base)


def expire() -> int:
    """Turn up to 1,000 commands that waited too long into dead letters; returns how many."""
    return len(run("expire"))


def erase() -> int:
    """Erase the bodies of up to 1,000 dead letters that have expired; returns how many."""
    return len(run("erase"))


def purge(*, states: Sequence[str], age: float) -> int:
    """Delete up to 1,000 commands finished in one of the states ``age`` seconds ago; returns how many."""
    return len(run("purge", states=list(states), age=age))


def requeue(ids: Sequence[int] | None) -> int:
    """Have these dead letters (None: all) tried again at once; returns how many."""
    return len(run("requeue", ids=ids))


def dead_rows() -> int:
    """How many rows of the table are dead, as far as PostgreSQL's statistics know."""
    [[count]] = run("dead_rows")
    return int(count)


def vacuum() -> None:
    """Make the room of dead rows usable again, unless somebody is at it. Not in a transaction."""
    run("vacuum")


def admit(*, mailer: str, share: int, cap: int, pause: float) -> float:
    """Take ``share`` of a mailer's daily ``cap``; returns 0 or how many seconds to wait before asking again.

    ``pause`` is the time between two messages.
    """
    [[seconds]] = run("admit", mailer=mailer, share=share, cap=cap, pause=pause)
    return float(seconds)


def status() -> list[Count]:
    """What waits, is leased or has died, by lane."""
    return [Count(lane, state, count, float(age), stuck) for lane, state, count, age, stuck in run("status")]


def stuck(*, limit: int) -> list[Stuck]:
    """The oldest of those that are stuck."""
    return [
        Stuck(row[0], row[1], row[2], float(row[3]), row[4], float(row[5]), json.loads(row[6] or "null"))
        for row in run("stuck", limit=limit)
    ]


def run(name: str, **parameters: Any) -> list[Any]:
    return statements.run(name, parameters)


def _json(value: Mapping[str, Any] | None) -> str | None:
    return None if value is None else json.dumps(value)

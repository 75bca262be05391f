"""Whose command it is: what a statement of the queue may change, and what it leaves alone."""

import uuid
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F
from django.db.models.functions import Now

from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.core.store import ClaimedCommand
from apps.commandqueue.models import Command, Kind, Queue, State
from apps.commandqueue.tests.conftest import send
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)


def row(command: Command) -> dict[str, Any]:
    found = Command.objects.filter(pk=command.pk).values().get()
    return {**found, "body": found["body"] and bytes(found["body"])}


def claim(command: Command) -> ClaimedCommand:
    [claimed] = store.claim(queue_name=Queue.DEFAULT, limit=9, lease=60)
    assert claimed.id == command.pk
    return claimed


def lose(command: Command) -> ClaimedCommand:
    """A claim whose lease has ended, so that the command waits again."""
    claimed = claim(command)
    store.settle_and_renew(None, claimed, worker="one", lease=60)
    Command.objects.filter(pk=command.pk).update(lease_until=Now())
    store.reap(max_lost_attempts=3, base=0)
    Command.objects.filter(pk=command.pk).update(due_at=Now())
    return claimed


# ── A worker that has lost its lease ─────────────────────────────────────────────────────────────


def nothing(command: Command) -> None:
    """It waits again."""


def hold(command: Command) -> None:
    store.settle_and_renew(None, claim(command), worker="two", lease=60)


def finish(command: Command) -> None:
    claimed = claim(command)
    store.settle_and_renew(None, claimed, worker="two", lease=60)
    store.settle_and_renew(claimed, None, worker="two", lease=60)


def bury(command: Command) -> None:
    claimed = claim(command)
    store.settle_and_renew(None, claimed, worker="two", lease=60)
    store.settle(claimed, outcomes.dead("550 no such person"))


def put_off(command: Command) -> None:
    claimed = claim(command)
    store.settle_and_renew(None, claimed, worker="two", lease=60)
    store.settle(claimed, Outcome(State.WAITING, delay=60, error={"reason": "450 later"}))


LATE: dict[str, Callable[[ClaimedCommand], object]] = {
    "settle done": lambda claimed: store.settle(claimed, outcomes.done()),
    "settle dead": lambda claimed: store.settle(claimed, outcomes.dead("late")),
    "settle again": lambda claimed: store.settle(
        claimed, Outcome(State.WAITING, delay=9, recipients=["x@example.org"], refused={"y": "550"})
    ),
    "settle result": lambda claimed: store.settle(claimed, Outcome(State.DONE, result={"value": 1})),
    "went out": lambda claimed: store.settle_and_renew(claimed, None, worker="one", lease=60),
    "go on": lambda claimed: store.settle_and_renew(None, claimed, worker="one", lease=600),
    "release": lambda claimed: store.release([claimed]),
}


@pytest.mark.parametrize("meanwhile", [nothing, hold, finish, bury, put_off])
def test_a_worker_that_lost_its_lease_changes_nothing(
    mail_server: Server, meanwhile: Callable[[Command], None]
) -> None:
    command = send()
    lost = lose(command)
    meanwhile(command)
    before = row(command)
    for name, do in LATE.items():
        answer = do(lost)
        assert row(command) == before, name
        assert answer in (None, (False, None), (True, None)), name
    assert store.settle_and_renew(lost, None, worker="one", lease=60) == (False, None)


@pytest.mark.parametrize("state", [State.WAITING, State.DONE, State.DEAD, State.DISCARDED])
def test_a_token_alone_is_no_lease(mail_server: Server, state: State) -> None:
    """Nor does the row of a finished command with a token left in it change."""
    command = send()
    claimed = claim(command)
    Command.objects.filter(pk=command.pk).update(state=state)
    before = row(command)
    for name, do in LATE.items():
        do(claimed)
        assert row(command) == before, name


def test_a_statement_changes_its_own_command_and_no_other(mail_server: Server) -> None:
    command, other = send(), send()
    for name, do in LATE.items():
        Command.objects.filter(pk__in=[command.pk, other.pk]).update(
            state=State.LEASED, token=(token := uuid.uuid4()), lease_until=Now() + timedelta(minutes=1)
        )
        before = row(other)
        do(ClaimedCommand(command.pk, Kind.MAIL, Queue.DEFAULT, "default", 1, token))
        assert row(other) == before, name


# ── What may be claimed, taken back, tried again ─────────────────────────────────────────────────


SOON = timedelta(minutes=1)
NOT_TO_BE_CLAIMED: dict[str, dict[str, Any]] = {
    "expired": {"expires_at": Now() - SOON},
    "expires now": {"expires_at": Now()},
    "not due": {"due_at": Now() + SOON},
    "another queue": {"queue_name": Queue.NOW},
    "leased": {"state": State.LEASED, "lease_until": Now() + SOON},
    "leased, and lost": {"state": State.LEASED, "lease_until": Now() - SOON},
    "done": {"state": State.DONE},
    "dead": {"state": State.DEAD},
    "discarded": {"state": State.DISCARDED},
}


@pytest.mark.parametrize("name", NOT_TO_BE_CLAIMED)
def test_it_is_not_claimed(mail_server: Server, name: str) -> None:
    command = send()
    Command.objects.filter(pk=command.pk).update(**NOT_TO_BE_CLAIMED[name])
    assert store.claim(queue_name=Queue.DEFAULT, limit=9, lease=60) == []


def test_mail_that_has_to_wait_is_not_claimed_and_tasks_are(mail_server: Server) -> None:
    send()
    assert store.claim(queue_name=Queue.DEFAULT, limit=9, lease=60, not_kinds=[Kind.MAIL]) == []
    assert len(store.claim(queue_name=Queue.DEFAULT, limit=9, lease=60, not_kinds=[Kind.TASK])) == 1


def test_a_lease_that_runs_is_not_taken_back(mail_server: Server) -> None:
    command = send()
    claim(command)
    before = row(command)
    assert store.reap(max_lost_attempts=3, base=0) == []
    assert row(command) == before


def test_only_what_waits_expires(mail_server: Server) -> None:
    commands = {state: send() for state in State.values}
    for state, command in commands.items():
        Command.objects.filter(pk=command.pk).update(state=state, expires_at=Now() - SOON, lease_until=Now())
    before = {state: row(command) for state, command in commands.items()}
    assert store.expire() == 1
    changed = [state for state, command in commands.items() if row(command) != before[state]]
    assert changed == [State.WAITING]


# Dead letters, and why they stay so.
NOT_TO_BE_REQUEUED: dict[str, dict[str, Any]] = {
    "secret": {"secret": True},
    "without its body": {"body": None},
    "expired": {"expires_at": Now() - SOON},
    "not dead": {"state": State.DONE},
    "discarded": {"state": State.DISCARDED},
    "waiting": {"state": State.WAITING, "finished_at": None},
}


@pytest.mark.parametrize("name", NOT_TO_BE_REQUEUED)
def test_it_is_not_requeued(mail_server: Server, name: str) -> None:
    command = send()
    bury(command)
    Command.objects.filter(pk=command.pk).update(**NOT_TO_BE_REQUEUED[name])
    before = row(command)
    assert store.requeue(None) == store.requeue([command.pk]) == 0
    assert row(command) == before


def test_only_what_finished_long_enough_ago_is_forgotten(mail_server: Server) -> None:
    commands = {state: send() for state in State.values}
    for state, command in commands.items():
        finished = None if state in (State.WAITING, State.LEASED) else Now() - SOON
        Command.objects.filter(pk=command.pk).update(state=state, finished_at=finished)
    assert store.purge(states=State.values, age=90) == 0
    assert store.purge(states=[State.DONE], age=30) == 1
    assert store.purge(states=[State.WAITING, State.LEASED], age=30) == 0
    left = set(Command.objects.values_list("state", flat=True))
    assert left == set(State.values) - {State.DONE}


def test_only_dead_letters_that_have_expired_lose_their_bodies(mail_server: Server) -> None:
    fresh, expired, waiting, other = send(), send(), send(), send()
    Command.objects.filter(pk__in=[fresh.pk, expired.pk]).update(state=State.DEAD, finished_at=Now())
    Command.objects.filter(pk=other.pk).update(state=State.DISCARDED, finished_at=Now())
    Command.objects.exclude(pk=fresh.pk).update(expires_at=F("created_at"))
    assert store.erase_bodies() == 1
    kept = [bool(row(command)["body"]) for command in (fresh, expired, waiting, other)]
    assert kept == [True, False, True, True]

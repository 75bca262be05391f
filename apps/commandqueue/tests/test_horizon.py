"""Claims while a transaction holds an old snapshot: the index keeps the entries of all dead rows."""

import datetime
import json
import time
from collections.abc import Iterator
from typing import Any
from unittest import mock

import psycopg2
import pytest
from django.db import OperationalError, connection
from django.db.models.functions import Now

from apps.commandqueue.core import store
from apps.commandqueue.core.horizon import COMMITTED_AFTER, LONGEST_PAUSE, Horizon
from apps.commandqueue.core.statements import SQL
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import OPTIONS, TORTURE, wait_for
from apps.commandqueue.tests.test_worker import running

pytestmark = pytest.mark.django_db(transaction=True)

DEAD = 200_000 if TORTURE else 4_000
PARAMETERS = {"queue_name": "default", "limit": 20, "lease": 60, "token": "0" * 32, "not_kinds": []}


@pytest.fixture
def snapshot() -> Iterator[None]:
    """A transaction that pg_dump could have opened."""
    other = psycopg2.connect(**connection.get_connection_params() | {"cursor_factory": None})
    with other.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM commandqueue_command")
        yield
    other.close()


def pass_through(count: int) -> None:
    """Has commands claimed and settled; the entries of their rows stay."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO commandqueue_command (kind, lane, backend, priority, due_at, expires_at)"
            " SELECT 'task', 'default', 'default', n %% 3, now() - interval '1 hour', now() + interval '1 h'"
            " FROM generate_series(1, %s) n",
            [count],
        )
    Command.objects.update(state=State.LEASED)
    Command.objects.update(state=State.DONE, finished_at=Now())


def blocks(name: str, **parameters: Any) -> int:
    """The blocks that a statement reads."""
    with connection.cursor() as cursor:
        explain = "EXPLAIN (ANALYZE, BUFFERS, FORMAT json) "
        cursor.execute(explain + SQL.statement(name).text, parameters)
        [[plan]] = cursor.fetchall()
    read = (plan if isinstance(plan, list) else json.loads(plan))[0]["Plan"]
    return int(read["Shared Hit Blocks"] + read["Shared Read Blocks"])


def test_a_claim_skips_the_entries_of_dead_rows(snapshot: None) -> None:
    pass_through(DEAD)
    tasks.add.enqueue(1, 2)
    oldest = store.oldest("default", None)
    due_at = Command.objects.get(state=State.WAITING).due_at
    assert due_at - COMMITTED_AFTER <= oldest <= due_at
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE commandqueue_command")
    assert blocks("oldest", queue_name="default", since=oldest) < 40
    assert blocks("claim", **PARAMETERS, since=oldest) < 80
    Command.objects.filter(state=State.LEASED).update(state=State.WAITING)
    # Without: each entry of a dead row.
    assert blocks("claim", **PARAMETERS, since=None) > DEAD / 40


def test_a_command_that_appears_before_the_oldest_is_claimed(snapshot: None) -> None:
    """Given back, or of a transaction that was committed late."""
    first, horizon = tasks.add.enqueue(1, 2), Horizon("default")
    horizon.claimed([], since=None, seconds=60)
    tasks.add.enqueue(1, 2)
    Command.objects.filter(pk=int(first.id)).update(due_at=Now() + datetime.timedelta(days=1))
    since = horizon.since()
    assert since is not None
    Command.objects.filter(pk=int(first.id)).update(due_at=Now() - datetime.timedelta(days=1))
    assert len(store.claim(queue_name="default", limit=9, lease=60, since=since)) == 1
    horizon._claim_all_at = time.monotonic()
    assert horizon.since() is None
    another = tasks.add.enqueue(1, 2)
    Command.objects.filter(pk=int(another.id)).update(due_at=Now() - datetime.timedelta(hours=1))
    [late] = store.claim(queue_name="default", limit=1, lease=60, since=None)
    assert late.id == int(first.id)
    horizon.claimed([late], since=None, seconds=60)
    # More like it may be left: the claims that follow begin there.
    since = horizon.since()
    assert since is not None
    [claimed] = store.claim(queue_name="default", limit=9, lease=60, since=since)
    assert claimed.id == int(another.id)


def test_a_command_that_was_committed_soon_after_the_look_is_claimed_at_once() -> None:
    horizon = Horizon("default")
    horizon.claimed([], since=None, seconds=60)
    since = horizon.since()
    assert since is not None
    task = tasks.add.enqueue(1, 2)
    # Half a second before the look.
    Command.objects.filter(pk=int(task.id)).update(due_at=since + COMMITTED_AFTER / 2)
    horizon._look_at = 0
    assert len(store.claim(queue_name="default", limit=9, lease=60, since=horizon.since())) == 1


def test_one_slow_claim_hides_late_commands_for_seconds_only() -> None:
    horizon = Horizon("default")
    horizon.claimed([], since=None, seconds=60)
    assert horizon._claim_all_at <= time.monotonic() + LONGEST_PAUSE


def test_the_time_of_a_claim_is_that_of_its_statement(settings: Any) -> None:
    """Not that of what else is in its transaction, nor of the pool."""
    settings.TASKS["default"]["OPTIONS"] = {"batched": ["apps.commandqueue.tests.tasks.add"]}
    [thread] = Worker(queues=["default"], options=OPTIONS, once=True).threads
    tasks.add.enqueue(1, 2)
    seconds: list[float] = []
    start_batch = store.start_batch

    def start_slowly(*args: Any, **options: Any) -> Any:
        time.sleep(0.5)
        return start_batch(*args, **options)

    def claimed(batch: Any, **options: Any) -> None:
        seconds.append(options["seconds"])

    began_at = time.monotonic()
    with (
        mock.patch.object(store, "start_batch", start_slowly),
        mock.patch.object(Horizon, "claimed", side_effect=claimed),
    ):
        assert thread._claim()
    assert seconds[0] <= time.monotonic() - began_at - 0.5


def test_new_commands_are_done_while_a_claim_from_the_beginning_takes_too_long() -> None:
    """As with so many dead entries that it, and the first look, exceed statement_timeout."""
    claim, oldest = store.claim, store.oldest

    def cancel_if(is_too_long: bool) -> None:
        if is_too_long:
            time.sleep(0.3)
            raise OperationalError("canceling statement due to statement timeout")

    def claim_some(**options: Any) -> Any:
        cancel_if(options["since"] is None)
        return claim(**options)

    def look(queue_name: str, since: datetime.datetime | None) -> datetime.datetime:
        cancel_if(since is None)
        return oldest(queue_name, since)

    with mock.patch.object(store, "claim", claim_some), mock.patch.object(store, "oldest", look), running():
        ids = [int(tasks.add.enqueue(1, 2).id) for _ in range(3)]
        wait_for(lambda: Command.objects.filter(pk__in=ids, state=State.DONE).count() == 3)


def test_a_worker_works_on_under_a_held_snapshot(snapshot: None) -> None:
    pass_through(DEAD)
    with running(threads=2):
        ids = [int(tasks.add.enqueue(1, 2).id) for _ in range(60)]
        wait_for(lambda: Command.objects.filter(pk__in=ids, state=State.DONE).count() == 60)


@pytest.mark.parametrize("name", ["settle_and_renew", "settle", "settle_batch", "start_batch", "release"])
def test_a_leased_command_is_found_by_its_id_whatever_the_statistics_say(snapshot: None, name: str) -> None:
    """The index of leased commands has the entries of all dead rows, and looks cheap if few are leased."""
    pass_through(DEAD)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE commandqueue_command")
    [command] = Command.objects.order_by("-pk")[:1]
    parameters = {
        "id": command.pk, "done": command.pk, "next": command.pk, "ids": [command.pk], "results": [None],
        "token": "0" * 32, "done_token": "0" * 32, "next_token": "0" * 32, "worker": "one", "lease": 60.0,
        "state": State.DONE, "delay": 0, "error": None, "recipients": None, "refused": "{}", "result": None,
        "counted": 0, "reason": None,
    }  # fmt: skip
    assert blocks(name, **parameters) < 40

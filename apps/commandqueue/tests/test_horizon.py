"""Claims while a transaction holds an old snapshot: the index keeps the entries of all dead rows."""

import datetime
import json
from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest
from django.db import connection
from django.db.models.functions import Now

from apps.commandqueue.core import store
from apps.commandqueue.core.horizon import Horizon
from apps.commandqueue.core.statements import SQL
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import TORTURE, wait_for
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
    assert oldest == Command.objects.get(state=State.WAITING).due_at
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
    horizon.claimed([], since=None, seconds=0.02)  # the next is to begin at the beginning after 0.6 s
    tasks.add.enqueue(1, 2)
    Command.objects.filter(pk=int(first.id)).update(due_at=Now() + datetime.timedelta(days=1))
    since = horizon.since()
    assert since is not None
    Command.objects.filter(pk=int(first.id)).update(due_at=Now() - datetime.timedelta(days=1))
    assert len(store.claim(queue_name="default", limit=9, lease=60, since=since)) == 1
    wait_for(lambda: horizon.since() is None, seconds=10)
    [late] = store.claim(queue_name="default", limit=9, lease=60, since=None)
    assert late.id == int(first.id)
    horizon.claimed([late], since=None, seconds=60)
    # More like it may be left: the claims that follow begin there.
    began_at = horizon.since()
    assert began_at is not None
    assert late.due_at is not None
    assert began_at >= late.due_at


def test_a_worker_works_on_under_a_held_snapshot(snapshot: None) -> None:
    pass_through(DEAD)
    with running(threads=2):
        ids = [int(tasks.add.enqueue(1, 2).id) for _ in range(60)]
        wait_for(lambda: Command.objects.filter(pk__in=ids, state=State.DONE).count() == 60)

"""Settled commands stay for a week: claiming, starting and the admin's list do not read them."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.commandqueue.core import store
from apps.commandqueue.models import Command
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import TORTURE
from apps.commandqueue.tests.test_horizon import PARAMETERS, blocks

pytestmark = pytest.mark.django_db(transaction=True)

FEW, MANY = 1_000, 10_000_000 if TORTURE else 60_000
LIST = "/admin/commandqueue/command/"


def settle_at_once(count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET statement_timeout = 0")  # ten million rows take minutes
        cursor.execute(
            "INSERT INTO commandqueue_command"
            " (kind, lane, backend, priority, state, expires_at, finished_at, task)"
            " SELECT 'task', 'default', 'default', n %% 3, 'done', now() + interval '1 week', now(), 'a.task'"
            " FROM generate_series(1, %s) n",
            [count],
        )
        cursor.execute("VACUUM ANALYZE commandqueue_command")
        cursor.execute("RESET statement_timeout")


def blocks_of_each(operator: Client) -> dict[str, int]:
    """The blocks that are read for a claim, a start, the look for the oldest and the admin's first list."""
    for _ in range(40):
        tasks.add.enqueue(1, 2)
    claimed = store.claim(queue_name="default", limit=1, lease=60)[0]
    start: dict[str, Any] = {
        "done": None, "done_token": None, "result": None, "next": claimed.id,
        "next_token": claimed.token.hex, "worker": "one", "lease": 60,
    }  # fmt: skip
    read: dict[str, Callable[[], int]] = {
        "claim": lambda: blocks("claim", **PARAMETERS, since=None),
        "start": lambda: blocks("settle_and_renew", **start),
        "oldest": lambda: blocks("oldest", queue_name="default", since=None),
        # What a worker does at its start, too.
        "expire": lambda: blocks("expire"),
        "purge": lambda: blocks("purge", states=["done", "discarded"], age=604_800.0),
        "erase": lambda: blocks("erase_bodies"),
        "reap": lambda: blocks("reap", max_lost_attempts=3, base=5.0),
    }
    found = {name: count() for name, count in read.items()}
    with CaptureQueriesContext(connection) as queries:
        assert operator.get(LIST).status_code == 200
    found["list"] = 0
    for query in queries.captured_queries:
        if 'FROM "commandqueue_command"' in query["sql"] and "count" not in query["sql"].lower():
            found["list"] += explained(query["sql"])
    Command.objects.exclude(state="done").delete()
    return found


def explained(sql: str) -> int:
    with connection.cursor() as cursor:
        cursor.execute("EXPLAIN (ANALYZE, BUFFERS, FORMAT json) " + sql.replace("%", "%%"), [])
        [[plan]] = cursor.fetchall()
    found = plan if isinstance(plan, list) else json.loads(plan)
    return int(found[0]["Plan"]["Shared Hit Blocks"] + found[0]["Plan"]["Shared Read Blocks"])


def test_what_a_worker_and_an_operator_do_is_the_same_after_many_commands(operator: Client) -> None:
    settle_at_once(FEW)
    few = blocks_of_each(operator)
    settle_at_once(MANY)
    many = blocks_of_each(operator)
    for name, count in many.items():
        # An index of so many rows has one or two levels more, and a command is looked up in three.
        assert count <= 1.2 * few[name] + 60, (name, few, many)

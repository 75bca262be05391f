"""The query plans of messages among many: each is served by the indexes that its file names."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.keyset import KeysetOrder
from apps.messages import queries
from apps.messages.models import Message
from apps.messages.statements import SQL
from apps.statements import Statement

pytestmark = pytest.mark.django_db

TABLES = {"private_messages_message", "private_messages_side", "accounts_user", "graph_follow", "kwips_kwip"}
PEOPLE, MESSAGES = 3_000, 20


# By SQL: a transaction that is idle while Python builds the rows would be ended.
ROWS = """
INSERT INTO graph_follow (follower_id, followee_id)
SELECT one, other FROM pairs;
INSERT INTO private_messages_message (owner_id, other_id, is_mine, text, form_key)
SELECT one, other, false, 'tea', gen_random_uuid() FROM pairs, generate_series(1, {messages});
INSERT INTO private_messages_side (owner_id, other_id, newest_id, is_unread, has_written)
SELECT owner_id, other_id, max(id), false, false FROM private_messages_message GROUP BY owner_id, other_id;
INSERT INTO kwips_kwip (author_id, text, form_key, version, comments_count, favourites_count)
SELECT u.id, 'tea', gen_random_uuid(), 1, 0, 0 FROM accounts_user u, generate_series(1, 4);
ANALYZE;
"""


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
def people(request: pytest.FixtureRequest) -> list[User]:
    """Each writes with the one before; the first writes with a thousand."""
    people = User.objects.bulk_create(
        User(username=f"person{n}", email=f"person{n}@example.org") for n in range(PEOPLE)
    )
    pairs = [(people[n].pk, people[n - 1].pk) for n in range(2, PEOPLE)]
    pairs += [(people[0].pk, person.pk) for person in people[1_000:2_000]]
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE pairs (one bigint, other bigint) ON COMMIT DROP")
        cursor.execute(
            "INSERT INTO pairs SELECT * FROM unnest(%s::bigint[], %s::bigint[])",
            list(map(list, zip(*pairs, strict=True))),
        )
        cursor.execute(ROWS.format(messages=MESSAGES))
        cursor.execute(f"SET LOCAL plan_cache_mode = {request.param}")
    return people


def plan(statement: Statement, values: dict[str, Any]) -> dict[str, Any]:
    name = "messages_planned"
    with connection.cursor() as cursor:
        cursor.execute(statement.prepare.replace(statement.name, name, 1))
        places = ", ".join(f"%({place})s" for place in statement._places)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE {name} ({places})", values)
        [[[found]]] = cursor.fetchall()
        cursor.execute(f"DEALLOCATE {name}")
    return found["Plan"]


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def by_indexes(found: dict[str, Any], most: int) -> None:
    for node in nodes(found):
        if node.get("Relation Name") in TABLES and node["Node Type"] != "ModifyTable":
            assert node["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan"), node
            assert node["Actual Rows"] <= most, node


def test_a_page_of_conversations_reads_a_page(people: list[User]) -> None:
    start = KeysetOrder("any").start[0]
    values = {"viewer": people[0].pk, "cursor_id": start, "limit": queries.PAGE_SIZE + 1}
    found = plan(queries._conversations("<", "DESC"), values)
    assert found["Actual Rows"] == queries.PAGE_SIZE + 1
    by_indexes(found, most=queries.PAGE_SIZE + 1)


def test_the_rule_reads_a_few_rows(people: list[User]) -> None:
    values = {"viewer": people[5].pk, "person": people[6].pk, "days": 2, "hours": 24}
    by_indexes(plan(SQL.statement("reach"), values), most=41)


def test_sending_reads_its_conversation_alone(people: list[User]) -> None:
    pair = {"sender": people[6].pk, "recipient": people[5].pk}
    plan(SQL.statement("lock"), pair)
    values = pair | {"text": "tea", "form_key": str(uuid.uuid4()), "kept": 10}
    by_indexes(plan(SQL.statement("send"), values), most=MESSAGES + 2)
    assert Message.objects.filter(owner=people[6], other=people[5]).count() == 10


def test_opening_a_conversation_reads_its_side_and_the_unread_ones(people: list[User]) -> None:
    values = {"viewer": people[0].pk, "other": people[1_500].pk}
    by_indexes(plan(SQL.statement("read"), values), most=1)

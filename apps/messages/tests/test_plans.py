"""The query plans of messages among many: each is served by the indexes that its file names."""

import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.db import connection

from apps.accounts.models import User
from apps.graph.models import Follow
from apps.keyset import KeysetOrder
from apps.kwips.models import Kwip
from apps.messages import queries
from apps.messages.models import Message, Side
from apps.messages.statements import SQL
from apps.statements import Statement

pytestmark = pytest.mark.django_db

TABLES = {"private_messages_message", "private_messages_side", "accounts_user", "graph_follow", "kwips_kwip"}
PEOPLE, MESSAGES = 5_000, 20


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
def people(request: pytest.FixtureRequest) -> list[User]:
    """Each writes with the next one; the first writes with a thousand."""
    people = User.objects.bulk_create(
        User(username=f"person{n}", email=f"person{n}@example.org") for n in range(PEOPLE)
    )
    pairs = [(people[n], people[n - 1]) for n in range(2, PEOPLE)]
    pairs += [(people[0], person) for person in people[1_000:2_000]]
    Follow.objects.bulk_create(Follow(follower=one, followee=other) for one, other in pairs)
    messages = Message.objects.bulk_create(
        Message(owner=one, other=other, is_mine=False, text="tea", form_key=uuid.uuid4())
        for _ in range(MESSAGES)
        for one, other in pairs
    )
    newest = messages[-len(pairs) :]
    Side.objects.bulk_create(
        Side(owner=message.owner, other=message.other, newest_id=message.pk) for message in newest
    )
    Kwip.objects.bulk_create(
        Kwip(author=person, text="tea", form_key=uuid.uuid4()) for person in people for _ in range(4)
    )
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
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
    by_indexes(plan(SQL.statement("reach"), values), most=40)


def test_sending_reads_its_conversation_alone(people: list[User]) -> None:
    pair = {"sender": people[6].pk, "recipient": people[5].pk}
    plan(SQL.statement("lock"), pair)
    values = pair | {"text": "tea", "form_key": str(uuid.uuid4()), "kept": 10}
    by_indexes(plan(SQL.statement("send"), values), most=MESSAGES + 2)
    assert Message.objects.filter(owner=people[6], other=people[5]).count() == 10


def test_opening_a_conversation_reads_its_side_and_the_unread_ones(people: list[User]) -> None:
    values = {"viewer": people[0].pk, "other": people[1_500].pk}
    by_indexes(plan(SQL.statement("read"), values), most=1)

"""Completion of mentions: who is offered, in which order, to whom; its cost."""

import uuid
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import pytest
from django.db import connection
from django.test import Client

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.graph.models import Block, Follow, Mute
from apps.kwips import completion
from apps.kwips.models import Kwip
from apps.kwips.visibility import SQL

pytestmark = pytest.mark.django_db


def offered(viewer: User, beginning: str, kwip: Kwip | None = None) -> list[str]:
    found = completion.people(viewer.pk, beginning, kwip_id=kwip.pk if kwip else 0)
    return [person.username for person in found]


@pytest.fixture
def crowd(db: None) -> dict[str, User]:
    names = {"tea_1": "", "tea_2": "", "tea_3": "Zoe", "tea_4": "", "milk": "Tea & Co", "ten": "TÉA"}
    return {
        name: User.objects.create_user(name, f"{name}@example.org", display_name=shown)
        for name, shown in names.items()
    }


def test_those_of_the_conversation_come_first_then_those_one_follows_then_others(
    ann: User, crowd: dict[str, User], publish: Callable[..., Kwip], comment: Callable[..., Kwip]
) -> None:
    assert offered(ann, "tea") == ["tea_1", "tea_2", "tea_3", "tea_4", "milk"]
    Follow.objects.create(follower=ann, followee=crowd["tea_3"])
    assert offered(ann, "tea") == ["tea_3", "tea_1", "tea_2", "tea_4", "milk"]
    kwip = publish(crowd["tea_4"])
    said = comment(crowd["milk"], kwip)
    for place in (kwip, said):
        assert offered(ann, "tea", place) == ["tea_4", "milk", "tea_3", "tea_1", "tea_2"]
        assert offered(ann, "", place) == ["milk", "tea_4", "tea_3"], "no others without a letter"


def test_names_are_found_in_any_case_and_width_and_by_the_name_that_is_shown(
    ann: User, crowd: dict[str, User]
) -> None:
    assert offered(ann, "TEA_1") == offered(ann, "ｔｅａ_１") == ["tea_1"]
    assert offered(ann, "zo") == ["tea_3"]
    assert offered(ann, "té") == ["ten"]
    assert offered(ann, "tea &") == ["milk"]


@pytest.mark.parametrize("beginning", ["%", "_", "te%", "\\", "'", "x" * 500, "\0", "\U0010ffff"])
def test_no_sign_means_anything_but_itself(client: Client, ann: User, crowd: Any, beginning: str) -> None:
    client.force_login(ann)
    answer = client.get("/people/complete/", {"q": beginning, "kwip": beginning})
    assert answer.json() == {"people": []}


def test_neither_oneself_nor_who_is_off_blocked_or_muted_is_offered(
    ann: User, crowd: dict[str, User]
) -> None:
    Follow.objects.bulk_create(Follow(follower=ann, followee=person) for person in crowd.values())
    assert "ann" not in offered(ann, "an")
    accounts.switch_off(people=[crowd["tea_1"]], by=None)
    Block.objects.create(blocker=ann, blocked=crowd["tea_2"])
    Block.objects.create(blocker=crowd["tea_3"], blocked=ann)
    Mute.objects.create(muter=ann, muted=crowd["tea_4"])
    assert offered(ann, "tea") == ["milk"]


def test_a_conversation_that_one_may_not_see_tells_nothing(
    ann: User, crowd: dict[str, User], publish: Callable[..., Kwip], comment: Callable[..., Kwip]
) -> None:
    kwip = publish(crowd["tea_4"], followers_only=True)
    assert offered(ann, "", kwip) == []
    assert offered(ann, "", comment(crowd["tea_4"], kwip)) == []
    Follow.objects.create(follower=ann, followee=crowd["tea_4"])
    assert offered(ann, "", kwip) == ["tea_4"]


def test_the_answer_is_for_members_at_a_pace_and_never_cached(
    client: Client, ann: User, crowd: dict[str, User], settings
) -> None:
    assert client.get("/people/complete/?q=tea").status_code == 404
    settings.LIMITS = settings.LIMITS | {"complete": "1/1m"}
    client.force_login(ann)
    answer = client.get("/people/complete/?q=zoe")
    assert answer["Cache-Control"] == "private, no-store"
    [person] = answer.json()["people"]
    assert person["username"] == "tea_3"
    assert person["name"] == "Zoe"
    assert client.get("/people/complete/?q=zoe", headers={"Accept": "application/json"}).status_code == 429


@pytest.fixture(params=["force_custom_plan", "force_generic_plan"])
def plan(request: pytest.FixtureRequest, ann: User) -> dict[str, Any]:
    """The executed plan among 30,000 people, of whom the viewer follows 2,000."""
    people = User.objects.bulk_create(
        User(username=f"per{n}", email=f"p{n}@example.org", display_name=f"Person {n}" * (n % 2))
        for n in range(30_000)
    )
    Follow.objects.bulk_create(Follow(follower=ann, followee=person) for person in people[:2_000])
    Follow.objects.bulk_create(Follow(follower=one, followee=other) for one, other in pairwise(people))
    kwip = Kwip.objects.create(author=people[0], text="tea", form_key=uuid.uuid4())
    Kwip.objects.bulk_create(
        Kwip(author=person, thread=kwip, text="hm", form_key=uuid.uuid4()) for person in people[:1_000]
    )
    statement = SQL.statement("complete")
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE")
        cursor.execute(f"SET LOCAL plan_cache_mode = {request.param}")
        cursor.execute(statement.prepare.replace(statement.name, "completion_planned", 1))
        values = {"kwip": kwip.pk, "viewer": ann.pk, "name": "'per123'", "limit": 8}
        arguments = ", ".join(str(values[name]) for name in statement._places)
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) EXECUTE completion_planned ({arguments})")
        [[[found]]] = cursor.fetchall()
        cursor.execute("DEALLOCATE completion_planned")
    return found["Plan"]


def nodes(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield node
    for child in node.get("Plans", []):
        yield from nodes(child)


def test_no_large_table_is_read_from_end_to_end(plan: dict[str, Any]) -> None:
    assert plan["Actual Rows"] == 8
    used = set()
    for node in nodes(plan):
        if node.get("Relation Name") in ("accounts_user", "graph_follow", "kwips_kwip"):
            bounded = node["Node Type"] in ("Index Scan", "Index Only Scan", "Bitmap Heap Scan")
            assert bounded, (node["Node Type"], node["Alias"])
            assert node["Actual Rows"] <= 2_000
            used.add(node.get("Index Name"))
    assert "user_display_name_prefix" in used
    assert {name for name in used if name and name.endswith("_like")}

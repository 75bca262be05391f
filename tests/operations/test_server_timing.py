"""`Server-Timing` of members' pages, and the budgets of pages."""

import re
import threading
import time
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.dbpool import stats
from apps.graph.actions import follow
from apps.kwips import actions
from apps.pictures.models import Picture
from tests.support import budget
from tests.support.pool import pooled

FACTS = {
    "width": 60,
    "height": 40,
    "color": "#bbd26c",
    "bytes": 1,
    "waits_until": timezone.now() + timedelta(days=1),
}
pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]


@pytest.fixture
def member(client: Client) -> Client:
    ann = User.objects.create_user("ann", "ann@example.org")
    bob = User.objects.create_user("bob", "bob@example.org")
    follow(follower=ann, followee=bob)
    for number in range(25):
        actions.publish(author=bob, text=f"tea {number} #tea", form_key=uuid.uuid4())
    client.force_login(ann)
    return client


def waited(response: Any) -> float:
    """Milliseconds."""
    found = re.search(r'pool;desc="[^"]*";dur=([\d.]+)', response["Server-Timing"])
    assert found
    return float(found[1])


@pytest.mark.parametrize(
    ("address", "queries", "round_trips"),
    [
        ("/", 2, 1),  # the timeline, and the right column
        ("/?sort=active", 2, 1),
        ("/everyone/", 3, 2),  # and the new people, and which of them the viewer does not see
        ("/tag/tea/", 1, 1),
        # bob, his links, his pinned kwip, what the viewer may send him, follows, corrections of his counters
        ("/bob/", 7, 1),
        ("/kwip/", 0, 1),
        ("/about/", 0, 1),
    ],
)
def test_a_page_keeps_to_its_budget(member: Client, address: str, queries: int, round_trips: int) -> None:
    member.get(address)
    budget.within(member.get(address), queries=queries, round_trips=round_trips)


def test_a_network_of_kwips_with_four_pictures_keeps_to_the_budget(member: Client) -> None:
    bob = User.objects.get(username="bob")
    member.get("/")
    for number in range(20):
        made = [Picture(name=f"{4 * number + place:032x}", owner=bob, **FACTS) for place in range(4)]
        names = [picture.name for picture in Picture.objects.bulk_create(made)]
        actions.publish(author=bob, text=f"look {number}", form_key=uuid.uuid4(), pictures=names)
    nobody_has_read = member.get("/")
    # and the cards, which are not cached: one query, and two round trips to look for them and to keep them
    budget.within(nobody_has_read, queries=3, round_trips=3)
    assert nobody_has_read.content.count(b"u-photo") == 80
    budget.within(member.get("/"), queries=2, round_trips=1)


def test_a_page_says_what_it_cost_to_members_alone(member: Client) -> None:
    member.get("/")
    took = budget.cost(member.get("/"))
    assert took == {"queries": 2, "round trips": 1, "hits": 3, "misses": 0}
    assert "Server-Timing" not in Client().get("/everyone/")


@pooled
def test_a_page_says_how_long_it_waited_for_a_connection(
    member: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(connection.settings_dict, "POOL", {"max_size": 1, "timeout": 30})
    member.get("/")
    assert waited(member.get("/")) == 0
    held, done = threading.Event(), threading.Event()

    def hold() -> None:
        connection.ensure_connection()
        held.set()
        # Until a thread waits, then a little longer.
        while not stats()["default"].waiting:
            time.sleep(0.001)
        done.wait(0.1)
        connection.close()

    connection.close()
    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(30)
    milliseconds = waited(member.get("/"))
    holder.join()
    assert 50 < milliseconds < 10_000

"""What a member's page says that it cost, and what it may."""

import uuid

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from apps.testing import budget

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


@pytest.mark.parametrize(
    ("address", "queries"),
    [
        ("/", 2),
        ("/?sort=active", 2),
        ("/everyone/", 2),
        ("/tag/tea/", 2),
        ("/bob/", 4),  # who bob is, and whether one follows him
        ("/kwip/", 0),
        ("/about/", 0),
    ],
)
def test_a_page_keeps_to_its_budget(member: Client, address: str, queries: int) -> None:
    member.get(address)
    budget.within(member.get(address), queries=queries, round_trips=3)


def test_a_page_says_what_it_cost_to_members_alone(member: Client) -> None:
    member.get("/")
    took = budget.cost(member.get("/"))
    assert took == {"queries": 2, "round trips": 3, "hits": 22, "misses": 0}
    assert "Server-Timing" not in Client().get("/everyone/")

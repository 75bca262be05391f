"""The pages of the ladder show what the site's pages show, whatever is on: only then do rates compare."""

import re
import uuid
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.graph.models import Block
from apps.kwips import actions
from apps.kwips import cards as the_sites
from bench.ladder import cards

WAYS = [frozenset[str](), frozenset({"sql"}), frozenset({"keyset"})]
PATHS = ("/", "/everyone/", "/bob/", "talk")


@pytest.fixture
def talk(db: None) -> str:
    """A community whose pages differ by viewer; the address of a conversation."""
    ann, bob, eve = (User.objects.create_user(name, f"{name}@example.org") for name in ("ann", "bob", "eve"))
    follow(follower=ann, followee=bob)
    for number in range(30):
        author = (ann, bob, eve)[number % 3]
        actions.publish(
            author=author,
            text=f"kwip {number} with @bob #tea",
            form_key=uuid.uuid4(),
            followers_only=number % 5 == 0,
        )
    thread = actions.publish(author=bob, text="what do you say?", form_key=uuid.uuid4()).kwip
    for author in (ann, eve):
        actions.comment(author=author, thread=thread, text=f"so says {author}", form_key=uuid.uuid4())
    actions.favourite(user=ann, kwip=thread)
    Block.objects.create(blocker=ann, blocked=eve)
    return f"/bob/kwip/{thread.pk}/"


def shown(client: Client, path: str) -> tuple[list[str], list[str]]:
    """The kwips of a page in their order, and the states of the viewer's hearts."""
    answer = client.get(path)
    assert answer.status_code == 200, path
    html = answer.content.decode()
    states = re.findall(r'/kwip/(\d+/(?:un)?favourite/)"\s+data-toggle', html)
    return re.findall(r'<article id="kwip-(-?\d+)"', html), states


@pytest.mark.django_db
@pytest.mark.parametrize("viewer", [None, "ann", "eve"])
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "+".join(way) or "neither")
def test_a_page_of_the_ladder_shows_the_kwips_and_marks_of_the_sites_page(
    way: frozenset[str],
    viewer: str | None,
    talk: str,
    settings: Any,
    client: Client,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    if viewer:
        client.force_login(User.objects.get(username=viewer), backend=settings.AUTHENTICATION_BACKENDS[0])
    paths = [talk if path == "talk" else path for path in PATHS]
    of_the_site = [shown(client, path) for path in paths]
    assert all(kwips for kwips, _ in of_the_site)
    settings.ROOT_URLCONF, settings.LADDER_ON = "bench.ladder.urls", way
    for reads in (the_sites.read, cards.read):
        monkeypatch.setattr(the_sites, "read", reads)
        assert [shown(client, path) for path in paths] == of_the_site


@pytest.mark.django_db
@pytest.mark.parametrize("way", WAYS, ids=lambda way: "+".join(way) or "neither")
def test_a_later_page_of_the_ladder_begins_where_the_first_one_ends(
    way: frozenset[str], talk: str, settings: Any, client: Client
) -> None:
    settings.ROOT_URLCONF, settings.LADDER_ON = "bench.ladder.urls", way
    first = client.get("/everyone/").content.decode()
    [link] = set(re.findall(r'href="(\?(?:page|before)=[^"]+)"', first))
    kwips = re.findall(r'<article id="kwip-(\d+)"', first)
    later, _ = shown(client, f"/everyone/{link}")
    assert len(kwips) == 20
    assert later
    assert max(map(int, later)) < min(map(int, kwips))

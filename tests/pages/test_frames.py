"""Frames of pages, cached in the process: each viewer gets their own page, with the parts that are theirs."""

import re
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.fragments.fragment import renderings
from apps.graph.actions import follow
from apps.kwips import actions

pytestmark = pytest.mark.django_db

FIRST = ["/", "/?sort=active", "/everyone/", "/everyone/?sort=active", "/carol/", "/carol/?sort=active",
         "/tag/tea/", "/carol/favourites/", "/carol/comments/"]  # fmt: skip


@pytest.fixture(autouse=True)
def _no_renderings() -> None:
    renderings.clear()


@pytest.fixture
def carol() -> User:
    """Writes, comments on and favours more than a page of kwips."""
    carol = User.objects.create_user("carol", "carol@example.org", "a long password")
    for number in range(25):
        kwip = actions.publish(author=carol, text=f"#tea number {number}", form_key=uuid.uuid4()).kwip
        actions.favourite(kwip=kwip, user=carol)
        actions.comment(author=carol, thread=kwip, text=f"milk {number}", form_key=uuid.uuid4())
    return carol


@pytest.fixture
def members(carol: User) -> dict[str, Client]:
    """Two members whose summaries differ by name alone."""
    clients = {}
    for name in ("ann", "bob"):
        user = User.objects.create_user(name, f"{name}@example.org", "a long password")
        follow(follower=user, followee=carol)
        clients[name] = Client(enforce_csrf_checks=True)
        clients[name].force_login(user)
    return clients


def pages(client: Client, address: str) -> Iterator[Any]:
    """The page and the one after it."""
    first = client.get(address)
    yield first
    older = re.search(r'rel="next"\s+href="([^"]+)"', first.content.decode())
    assert older, address
    yield client.get(address.partition("?")[0] + older[1].replace("&amp;", "&"))


def without_faces(page: str) -> str:
    """The page without the rows of faces, which anyone may see: both members follow carol."""
    return re.sub(r'<ul class="faces">.*?</ul>', "", page, flags=re.DOTALL)


def unfavour(client: Client, page: str, token: str) -> Any:
    """Sends the form of a page's first heart, whatever its state."""
    kwip_id = re.findall(r'id="kwip-(\d+)"', page)[0]
    return client.post(f"/kwip/{kwip_id}/unfavourite/", {"csrfmiddlewaretoken": token})


@pytest.mark.parametrize("address", FIRST)
def test_a_member_never_gets_the_parts_of_another(members: dict[str, Client], address: str) -> None:
    for _ in range(2):  # rendered, and from the cache
        for name, other in (("ann", "bob"), ("bob", "ann")):
            for response in pages(members[name], address):
                page = response.content.decode()
                assert page.count("<article") >= 5
                assert f'data-viewer="{name}"' in page
                assert f'<a href="/{name}/"' in page
                assert not re.search(rf"\b{other}\b", without_faces(page))
                tokens = re.findall(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)
                assert tokens
                for token in tokens:
                    assert unfavour(members[name], page, token).status_code == 302
                    assert unfavour(members[other], page, token).status_code == 403
        for response in pages(Client(), address):
            page = response.content.decode()
            assert "data-viewer" not in page
            assert "csrf" not in page
            assert not re.search(r"\b(ann|bob)\b", without_faces(page))


@pytest.mark.parametrize("address", FIRST)
def test_the_second_view_of_a_page_renders_no_fragment(members: dict[str, Client], address: str) -> None:
    client = members["ann"]
    for _ in pages(client, address):
        pass
    misses = renderings.misses
    for response in pages(client, address):
        assert response.status_code == 200
    assert renderings.misses == misses


def test_the_second_viewer_finds_the_parts_without_a_viewer(members: dict[str, Client]) -> None:
    members["ann"].get("/everyone/")
    misses = renderings.misses
    members["bob"].get("/everyone/")
    # The frame and its menu.
    assert renderings.misses - misses == 2


def test_each_form_has_a_key_of_its_own(members: dict[str, Client]) -> None:
    keys = [
        re.findall(r'name="form_key"\s+value="([^"]+)"', members[name].get("/").content.decode())
        for name in ("ann", "ann", "bob")
    ]
    assert [len(found) for found in keys] == [1, 1, 1]
    assert len({found[0] for found in keys}) == 3


def test_a_form_returns_to_its_own_page(members: dict[str, Client]) -> None:
    for address in ("/everyone/", "/everyone/?sort=active", "/carol/", "/tag/tea/"):
        page = members["ann"].get(address).content.decode()
        assert f'value="{address}"' in page


def test_a_message_is_shown_once_to_the_viewer_whose_it_is(members: dict[str, Client]) -> None:
    ann = User.objects.get(username="ann")
    kwip = actions.publish(author=ann, text="a slip", form_key=uuid.uuid4()).kwip
    client = Client()
    client.force_login(ann)
    client.get("/")
    client.post(f"/kwip/{kwip.pk}/delete/")
    said = "won&#x27;t come back"
    assert said in client.get("/").content.decode()
    for other in (client, members["bob"], members["ann"]):
        assert said not in other.get("/").content.decode()


def test_a_new_counter_is_on_the_next_page(members: dict[str, Client], carol: User) -> None:
    members["ann"].get("/ann/")
    bob = User.objects.get(username="bob")
    follow(follower=bob, followee=User.objects.get(username="ann"))
    assert "<b>1</b> follower<" in members["ann"].get("/ann/").content.decode()

"""The right column: who writes now, as each viewer may come across them."""

import re
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.actions import set_private, switch_off
from apps.accounts.models import User
from apps.feeds import side
from apps.graph.actions import follow
from apps.graph.blocking import block
from apps.graph.muting import mute_person
from apps.kwips import actions
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]


def around(viewer: User | None = None) -> list[str]:
    return [face.username for face in side.side(viewer.pk if viewer else None)["around"]]


@pytest.fixture
def people(publish: Publish) -> dict[str, User]:
    """Four who wrote: ann first, dee last."""
    people = {
        name: User.objects.create_user(name, f"{name}@example.org") for name in ("ann", "bob", "cee", "dee")
    }
    for person in people.values():
        publish(person)
    return people


def test_it_has_those_who_wrote_last_without_the_viewer(people: dict[str, User], publish: Publish) -> None:
    publish(people["bob"], followers_only=True)
    User.objects.create_user("eve", "eve@example.org")
    assert around() == ["dee", "cee", "bob", "ann"]
    assert around(people["dee"]) == ["cee", "bob", "ann"]


def test_who_is_hidden_from_a_viewer_is_left_out_at_once(people: dict[str, User]) -> None:
    ann, bob, cee, dee = people.values()
    assert around(ann) == ["dee", "cee", "bob"]
    block(blocker=ann, blocked=bob)
    mute_person(muter=ann, muted=cee, ends_at=None, is_muffled=True)
    assert around(ann) == ["dee"]
    assert around(bob) == ["dee", "cee"]
    User.objects.filter(pk=dee.pk).update(is_limited=True)
    switch_off(people=[cee], by=None)
    assert around() == ["bob", "ann"]


def test_it_is_bounded_and_asks_one_statement(publish: Publish) -> None:
    for number in range(side.FACES + 2):
        publish(User.objects.create_user(f"pat{number}", f"p{number}@example.org"))
    assert len(around()) == side.FACES
    with CaptureQueriesContext(connection) as captured:
        assert around()[0] == f"pat{side.FACES + 1}"
    assert len(captured) == 1


def test_a_process_looks_for_them_once_a_minute(
    people: dict[str, User], publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert around()[0] == "dee"
    publish(people["ann"])
    assert around()[0] == "dee"
    monkeypatch.setattr(side, "SECONDS", -1)
    assert around()[0] == "ann"


@pytest.mark.parametrize("path", ["/", "/everyone/", "/?sort=active", "/everyone/?sort=active"])
def test_first_pages_show_their_faces(client: Client, people: dict[str, User], path: str) -> None:
    for viewer in (None, people["ann"]):
        if viewer:
            client.force_login(viewer)
        page = client.get(path).content.decode()
        assert page.count("around now") == 1
        assert 'title="bob"' in page
    assert 'title="ann"' not in page


def test_later_pages_have_the_form_of_search_alone(client: Client, ann: User, publish: Publish) -> None:
    for _ in range(21):
        publish(ann)
    older = re.search(r'rel="next"\s+href="([^"]+)"', client.get("/everyone/").content.decode())
    assert older
    page = client.get(f"/everyone/{older[1]}").content.decode()
    assert 'id="side-q"' in page
    assert "around now" not in page


def test_a_deleted_kwip_makes_no_one_appear(people: dict[str, User]) -> None:
    actions.delete(kwip=Kwip.objects.get(author=people["dee"]))
    assert around() == ["cee", "bob", "ann"]


def test_a_persons_page_has_faces_of_whom_they_follow_and_of_who_follows_them(
    client: Client, people: dict[str, User]
) -> None:
    ann, bob, cee, dee = people.values()
    for follower, followee in ((ann, bob), (cee, ann), (dee, ann), (ann, dee)):
        follow(follower=follower, followee=followee)

    def faces(viewer: User | None) -> list[list[str]]:
        found = side.follows(ann, viewer.pk if viewer else None)
        return [[face.username for face in found[section]] for section in ("following", "followers")]

    assert faces(None) == [["dee", "bob"], ["dee", "cee"]]
    block(blocker=dee, blocked=bob)
    assert faces(bob) == [["bob"], ["cee"]]
    page = client.get("/ann/").content.decode()
    assert page.count("followed by") == page.count('title="bob"') == 1
    set_private(user=ann, is_private=True)
    for viewer, is_shown in ((None, False), (bob, False), (cee, True), (ann, True)):
        client.logout()
        if viewer:
            client.force_login(viewer)
        assert ("followed by" in client.get("/ann/").content.decode()) == is_shown

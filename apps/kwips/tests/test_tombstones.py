"""A deleted kwip is a 410 for those who could see it, a 404 for others."""

import uuid
from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from apps.kwips.models import Kwip, Tombstone

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]


@pytest.fixture
def readers(ann: User, bob: User) -> dict[str, Client]:
    """Viewers of a kwip by ann with a comment by bob: both, a follower, another member, anonymous."""
    cee, dee = (User.objects.create_user(name, f"{name}@example.org") for name in ("cee", "dee"))
    follow(follower=bob, followee=ann)
    follow(follower=cee, followee=ann)
    clients = {"anonymous": Client()}
    for person in (ann, bob, cee, dee):
        clients[person.username] = Client()
        clients[person.username].force_login(person)
    return clients


def statuses(readers: dict[str, Client], address: str) -> dict[str, int]:
    return {name: client.get(address).status_code for name, client in readers.items()}


ALL = {"anonymous": 410, "ann": 410, "bob": 410, "cee": 410, "dee": 410}
CIRCLE = ALL | {"anonymous": 404, "dee": 404}


@pytest.mark.parametrize("followers_only", [False, True])
def test_a_deleted_kwip_and_its_comments_are_gone_for_those_who_could_see_them(
    readers: dict[str, Client], ann: User, bob: User, publish: Publish, comment: Publish, followers_only: bool
) -> None:
    kwip = publish(ann, followers_only=followers_only)
    below = comment(bob, kwip)
    actions.delete(kwip=kwip)
    expected = CIRCLE if followers_only else ALL
    for address in (f"/ann/kwip/{kwip.pk}/", f"/ann/kwip/{kwip.pk}/history/", f"/bob/kwip/{below.pk}/",
                    f"/bob/kwip/{below.pk}/whole/"):  # fmt: skip
        assert statuses(readers, address) == expected, address
    # Under another user name it is a 404 for everyone.
    for address in (f"/bob/kwip/{kwip.pk}/", f"/bob/kwip/{kwip.pk}/history/", f"/ann/kwip/{below.pk}/whole/"):
        assert set(statuses(readers, address).values()) == {404}, address


def test_a_comment_to_a_deleted_kwip_of_ones_circle_comes_back_with_its_text(
    readers: dict[str, Client], ann: User, publish: Publish
) -> None:
    kwip = publish(ann, followers_only=True)
    actions.delete(kwip=kwip)
    form = {"text": "so true", "form_key": str(uuid.uuid4())}
    answers = {name: readers[name].post(f"/kwip/{kwip.pk}/comment/", form) for name in ("cee", "dee")}
    assert answers["cee"].status_code == 410
    assert "so true" in answers["cee"].content.decode()
    assert answers["dee"].status_code == 404


def test_a_tombstone_of_which_it_is_not_known_is_there_for_its_author_alone(
    readers: dict[str, Client], ann: User, publish: Publish
) -> None:
    kwip = publish(ann)
    actions.delete(kwip=kwip)
    # As a tombstone from before these columns.
    Tombstone.objects.update(public=False, audience=None)
    expected = dict.fromkeys(ALL, 404) | {"ann": 410}
    assert statuses(readers, f"/ann/kwip/{kwip.pk}/") == expected

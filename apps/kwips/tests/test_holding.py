"""Kwips and comments that wait for a moderator, and hidden ones: only their authors see them."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from apps.accounts.actions import switch_off, switch_on
from apps.accounts.models import User
from apps.graph.models import Follow
from apps.kwips import actions, events, holding
from apps.kwips.models import Kwip, Withheld
from apps.kwips.queries import shown_counts

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]
WAITS = "waits for a moderator"


@pytest.fixture
def suspicious(monkeypatch: pytest.MonkeyPatch) -> str:
    """A word: a check holds what contains it."""
    monkeypatch.setattr(holding, "_checks", [lambda author, text: "pills" in text])
    return "pills"


def page_for(viewer: User | None, address: str) -> str:
    client = Client()
    if viewer is not None:
        client.force_login(viewer)
    return client.get(address).content.decode()


@pytest.mark.parametrize("address", ["/everyone/", "/ann/", "/tag/tea/", "/ann/feed.atom", "/"])
def test_a_held_kwip_is_nowhere_but_on_its_authors_pages(
    ann: User, bob: User, suspicious: str, publish: Publish, address: str
) -> None:
    text = f"{suspicious} #tea"
    kwip = publish(ann, text)
    assert kwip.withheld == Withheld.HELD
    for viewer in (None, bob):
        assert text not in page_for(viewer, address), viewer
        assert Client().get(f"/ann/kwip/{kwip.pk}/").status_code == 404
    assert WAITS in page_for(ann, f"/ann/kwip/{kwip.pk}/")
    assert holding.release(kwip=kwip)
    assert "tea" in page_for(bob, "/ann/")
    assert WAITS not in page_for(ann, f"/ann/kwip/{kwip.pk}/")


def test_a_form_sent_again_returns_the_held_kwip(ann: User) -> None:
    form: dict[str, Any] = {"author": ann, "text": "hm", "form_key": uuid.uuid4(), "is_held": True}
    first, second = actions.publish(**form), actions.publish(**form)
    assert (first.created, second.created, second.kwip.pk) == (True, False, first.kwip.pk)


def test_holding_and_hiding_are_separate_and_survive_a_switch_of_the_author(
    ann: User, publish: Publish
) -> None:

    kwip = publish(ann)
    for change in (holding.hold, holding.hide):
        assert change(kwip=kwip)
        assert not change(kwip=kwip)
    switch_off(people=[ann], by=None)
    assert Kwip.objects.get().withheld == Withheld.SUSPENDED | Withheld.HIDDEN | Withheld.HELD
    switch_on(people=[ann], by=None)
    assert holding.release(kwip=kwip)
    assert Kwip.objects.get().withheld == Withheld.HIDDEN
    assert "a moderator hid it" in page_for(ann, f"/ann/kwip/{kwip.pk}/")
    assert holding.unhide(kwip=kwip)
    assert Kwip.objects.get().withheld == 0


def test_the_counter_that_others_see_leaves_withheld_kwips_out(
    ann: User, bob: User, publish: Publish
) -> None:
    for kwip in (publish(ann), publish(ann, followers_only=True)):
        holding.hide(kwip=kwip)
    publish(ann)
    ann.refresh_from_db()
    counts = {viewer: shown_counts(ann, viewer).kwips_count for viewer in (None, bob.pk, ann.pk)}
    assert counts == {None: 1, bob.pk: 1, ann.pk: 3}
    Follow.objects.create(follower=bob, followee=ann)
    assert shown_counts(ann, bob.pk).kwips_count == 1


def test_what_is_held_is_announced_once(ann: User, publish: Publish, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[int] = []
    monkeypatch.setattr(events.held, "emit", lambda event: heard.append(event.kwip.pk))
    kwip = publish(ann)
    held = publish(ann, is_held=True)
    holding.hold(kwip=kwip)
    holding.hold(kwip=kwip)
    assert heard == [held.pk, kwip.pk]

"""The pinned kwip: one's own, on top of one's page, for those who may see it."""

from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.actions import switch_off
from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions, pins
from apps.kwips.models import Kwip, Pin

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]


def is_on_top(kwip: Kwip, viewer: User | None = None) -> bool:
    client = Client()
    if viewer:
        client.force_login(viewer)
    page = client.get("/ann/").content.decode()
    assert page.count(f'id="kwip-{kwip.pk}"') <= 1
    top, _, _rest = page.partition('id="kwips"')
    return f'id="kwip-{kwip.pk}"' in top


def test_a_person_pins_one_of_their_kwips_and_takes_it_off(
    client: Client, ann: User, bob: User, publish: Publish
) -> None:
    first, second = publish(ann, "one"), publish(ann, "two")
    client.force_login(ann)
    assert "pin it to my page" in client.get(f"/ann/kwip/{first.pk}/").content.decode()
    for kwip in (first, second, second):
        client.post(f"/kwip/{kwip.pk}/pin/")
    assert is_on_top(second)
    assert not is_on_top(first, bob)
    client.post(f"/kwip/{first.pk}/pin/", {"unpin": "1"})
    assert is_on_top(second)
    assert "unpin it from my page" in client.get(f"/ann/kwip/{second.pk}/").content.decode()
    client.post(f"/kwip/{second.pk}/pin/", {"unpin": "1"})
    assert not Pin.objects.exists()


def test_others_kwips_and_comments_are_not_pinned(
    client: Client, ann: User, bob: User, publish: Publish, comment: Publish
) -> None:
    theirs = publish(bob)
    client.force_login(ann)
    assert "pin it" not in client.get(f"/bob/kwip/{theirs.pk}/").content.decode()
    for kwip in (theirs, comment(ann, theirs)):
        assert client.post(f"/kwip/{kwip.pk}/pin/").status_code == 403
    assert client.post("/kwip/999999/pin/").status_code in (404, 410)
    assert not Pin.objects.exists()


def test_it_is_on_top_only_for_those_who_may_see_it(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(ann, followers_only=True)
    pins.pin(kwip=kwip, user=ann)
    assert is_on_top(kwip, ann)
    assert not is_on_top(kwip)
    assert not is_on_top(kwip, bob)
    follow(follower=bob, followee=ann)
    assert is_on_top(kwip, bob)


def test_a_deleted_or_hidden_kwip_is_on_top_no_longer(ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(ann)
    pins.pin(kwip=kwip, user=ann)
    Kwip.objects.filter(pk=kwip.pk).update(withheld=2)
    assert not is_on_top(kwip)
    Kwip.objects.filter(pk=kwip.pk).update(withheld=0)
    assert is_on_top(kwip)
    actions.delete(kwip=kwip)
    assert not is_on_top(kwip)
    switch_off(people=[ann], by=None)
    assert Client().get("/ann/").status_code == 404

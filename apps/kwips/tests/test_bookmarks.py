"""Bookmarks: a page for their owner alone."""

from collections.abc import Callable
from functools import partial

import pytest
from django.conf import LazySettings
from django.test import Client

from apps.accounts.models import User
from apps.graph.actions import follow, unfollow
from apps.graph.models import Block
from apps.kwips import actions, bookmarks
from apps.kwips.models import Bookmark, Kwip
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

type Publish = Callable[..., Kwip]


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def page(client: Client) -> str:
    return client.get("/bookmarks/").content.decode()


def test_the_button_keeps_kwips_and_comments_and_takes_them_back(
    member: Client, bob: User, publish: Publish, comment: Publish
) -> None:
    kwip = publish(bob, "tea")
    said = comment(bob, kwip, "with milk")
    assert "<article" not in page(member)
    for each in (kwip, said):
        for _ in range(2):
            assert member.post(f"/kwip/{each.pk}/bookmark/", {"next": "/everyone/"}).status_code == 302
    shown = page(member)
    assert shown.index(f'id="kwip-{said.pk}"') < shown.index(f'id="kwip-{kwip.pk}"')
    assert f'formaction="/kwip/{kwip.pk}/unbookmark/"' in shown
    answer = member.post(f"/kwip/{kwip.pk}/unbookmark/", headers={"Accept": "application/json"})
    assert answer.json() == {}
    assert f'id="kwip-{kwip.pk}"' not in page(member)


def test_no_one_else_sees_or_counts_them(member: Client, ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(bob, "tea")
    baker = Client()
    baker.force_login(bob)
    before = Client().get("/everyone/").content
    version = Kwip.objects.get().version
    bookmarks.bookmark(kwip=kwip, user=ann)
    assert Client().get("/everyone/").content == before
    assert f'formaction="/kwip/{kwip.pk}/bookmark/"' in baker.get("/everyone/").content.decode()
    assert Kwip.objects.get().version == version
    assert "<article" not in page(baker)
    assert Client().get("/bookmarks/").status_code == 302


def test_what_one_may_no_longer_see_is_not_shown(
    member: Client, ann: User, bob: User, publish: Publish
) -> None:
    follow(follower=ann, followee=bob)
    hushed, gone, open_kwip = publish(bob, "hush", followers_only=True), publish(bob), publish(bob)
    for kwip in (hushed, gone, open_kwip):
        bookmarks.bookmark(kwip=kwip, user=ann)
    assert page(member).count("<article") == 3
    actions.delete(kwip=gone)
    assert page(member).count("<article") == 2
    unfollow(follower=ann, followee=bob)
    assert "hush" not in page(member)
    Block.objects.create(blocker=bob, blocked=ann)
    assert "<article" not in page(member)


def test_a_deleted_kwip_cannot_be_kept(member: Client, ann: User, bob: User, publish: Publish) -> None:
    kwip = publish(bob)
    actions.delete(kwip=kwip)
    with pytest.raises(actions.Gone):
        bookmarks.bookmark(kwip=kwip, user=ann)
    assert member.post(f"/kwip/{kwip.pk}/bookmark/").status_code == 410


def test_a_person_has_so_many_and_is_told_so(
    member: Client, ann: User, bob: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bookmarks, "MOST", 2)
    kwips = [publish(bob) for _ in range(3)]
    statuses = [member.post(f"/kwip/{kwip.pk}/bookmark/").status_code for kwip in kwips]
    assert statuses == [302, 302, 403]
    assert member.post(f"/kwip/{kwips[0].pk}/bookmark/").status_code == 302, "it is one already"
    answer = member.post(f"/kwip/{kwips[2].pk}/bookmark/", headers={"Accept": "application/json"})
    assert "take an old one out" in answer.json()["error"]
    bookmarks.unbookmark(kwip=kwips[0], user=ann)
    assert member.post(f"/kwip/{kwips[2].pk}/bookmark/").status_code == 302


@pytest.mark.django_db(transaction=True)
def test_the_bound_holds_for_clicks_at_once(
    ann: User, bob: User, publish: Publish, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bookmarks, "MOST", 5)

    def keep(kwip: Kwip) -> bool:
        try:
            bookmarks.bookmark(kwip=kwip, user=ann)
        except bookmarks.TooMany:
            return False
        return True

    kept = at_once([partial(keep, publish(bob)) for _ in range(20)])
    assert kept.count(True) == Bookmark.objects.count() == 5


def test_too_many_clicks_are_refused(
    member: Client, bob: User, publish: Publish, settings: LazySettings
) -> None:
    settings.LIMITS = settings.LIMITS | {"bookmark": "2/10m"}
    kwip = publish(bob)
    acts = ("bookmark", "unbookmark", "bookmark")
    assert [member.post(f"/kwip/{kwip.pk}/{act}/").status_code for act in acts] == [302, 302, 429]

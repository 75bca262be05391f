"""Following: idempotent, by POST, with exact counters under concurrency."""

from functools import partial

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph import actions
from apps.graph.models import Block, Follow
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org")


def counters_are_exact() -> None:
    for user in User.objects.all():
        assert user.following_count == Follow.objects.filter(follower=user).count(), user
        assert user.followers_count == Follow.objects.filter(followee=user).count(), user


def test_following_twice_is_following_once(client: Client, ann: User, bob: User) -> None:
    client.force_login(ann)
    for _ in range(2):
        assert client.post("/bob/follow/")["Location"] == "/bob/"
    assert Follow.objects.count() == 1
    counters_are_exact()
    for _ in range(2):
        client.post("/bob/unfollow/")
    assert Follow.objects.count() == 0
    counters_are_exact()


def test_following_requires_post_and_a_signed_in_user(client: Client, ann: User, bob: User) -> None:
    assert client.post("/bob/follow/").status_code == 403
    client.force_login(ann)
    assert client.get("/bob/follow/").status_code == 405
    assert not Follow.objects.exists()


def test_following_oneself_a_missing_user_or_across_a_block_is_refused(
    client: Client, ann: User, bob: User
) -> None:
    client.force_login(ann)
    client.post("/ann/follow/")
    assert client.post("/nobody/follow/").status_code == 404
    Block.objects.create(blocker=bob, blocked=ann)
    client.post("/bob/follow/")
    assert not Follow.objects.exists()


def test_a_name_in_capitals_leads_to_the_same_person(client: Client, ann: User, bob: User) -> None:
    client.force_login(ann)
    assert client.post("/BOB/follow/", {"next": "/everyone/"})["Location"] == "/everyone/"
    assert Follow.objects.count() == 1
    assert client.get("/BOB/followers/")["Location"] == "/bob/followers/"


def test_the_number_of_followed_users_is_limited(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "FOLLOWING_LIMIT", 1)
    actions.follow(follower=ann, followee=bob)
    actions.follow(follower=ann, followee=bob)
    with pytest.raises(actions.FollowsTooMany):
        actions.follow(follower=ann, followee=User.objects.create_user("eve", "eve@example.org"))
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_fifty_follows_at_once_are_one(ann: User, bob: User) -> None:
    at_once([partial(actions.follow, follower=ann, followee=bob)] * 50)
    assert Follow.objects.count() == 1
    counters_are_exact()
    at_once([partial(actions.unfollow, follower=ann, followee=bob)] * 50)
    assert Follow.objects.count() == 0
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_users_who_follow_each_other_concurrently_do_not_deadlock(ann: User, bob: User) -> None:
    both = [
        partial(actions.follow, follower=ann, followee=bob),
        partial(actions.follow, follower=bob, followee=ann),
        partial(actions.unfollow, follower=ann, followee=bob),
        partial(actions.unfollow, follower=bob, followee=ann),
    ]
    at_once(both * 25)
    counters_are_exact()


def test_the_pages_of_followers_page_newest_first(client: Client, ann: User, bob: User) -> None:
    for number in range(45):
        fan = User.objects.create_user(f"fan{number}", f"fan{number}@example.org")
        actions.follow(follower=fan, followee=bob)
    page = client.get("/bob/followers/")
    assert [person.username for person in page.context["page"]][:2] == ["fan44", "fan43"]
    assert 'rel="next"' in page.content.decode()
    older = client.get("/bob/followers/" + page.context["page"].older)
    assert [person.username for person in older.context["page"]] == ["fan4", "fan3", "fan2", "fan1", "fan0"]
    actions.follow(follower=bob, followee=ann)
    assert [person.username for person in client.get("/bob/following/").context["page"]] == ["ann"]

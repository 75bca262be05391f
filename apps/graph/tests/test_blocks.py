"""Blocks: follows end on both sides, exactly; bounded; a blocked person is told nothing."""

from functools import partial

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.graph import actions, blocking, events
from apps.graph.models import Block, Follow
from apps.graph.tests.test_follow import ann, bob, counters_are_exact
from tests.support.concurrency import at_once, overtaken

__all__ = ["ann", "bob"]
pytestmark = pytest.mark.django_db


def follow_each_other(ann: User, bob: User) -> None:
    actions.follow(follower=ann, followee=bob)
    actions.follow(follower=bob, followee=ann)


def test_a_block_ends_the_follows_of_both_once(ann: User, bob: User) -> None:
    follow_each_other(ann, bob)
    heard: list[events.Pair] = []
    events.blocked.within(heard.append)
    try:
        for _ in range(2):
            blocking.block(blocker=ann, blocked=bob)
    finally:
        events.blocked.subscribers_within.remove(heard.append)
    assert Block.objects.count() == 1
    assert not Follow.objects.exists()
    counters_are_exact()
    assert [(pair.follower, pair.followee) for pair in heard] == [(ann, bob)]
    for follower, followee in ((ann, bob), (bob, ann)):
        with pytest.raises(actions.CannotFollow):
            actions.follow(follower=follower, followee=followee)
    for _ in range(2):
        blocking.unblock(blocker=ann, blocked=bob)
    assert not Follow.objects.exists()
    actions.follow(follower=bob, followee=ann)


def test_the_block_of_the_other_stays(ann: User, bob: User) -> None:
    blocking.block(blocker=ann, blocked=bob)
    blocking.block(blocker=bob, blocked=ann)
    blocking.unblock(blocker=ann, blocked=bob)
    with pytest.raises(actions.CannotFollow):
        actions.follow(follower=ann, followee=bob)


def test_a_person_has_so_many_blocks_and_no_more(
    client: Client, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blocking, "MOST_BLOCKS", 1)
    cee = User.objects.create_user("cee", "cee@example.org")
    blocking.block(blocker=ann, blocked=bob)
    with pytest.raises(blocking.BlocksTooMany):
        blocking.block(blocker=ann, blocked=cee)
    blocking.block(blocker=ann, blocked=bob)  # it is there
    client.force_login(ann)
    answer = client.post("/settings/blocks/", {"username": "@cee"})
    assert answer.status_code == 422
    assert b"as many as we can keep apart" in answer.content
    assert b'value="@cee"' in answer.content
    assert b"as many as we can keep apart" in client.post("/cee/block/", follow=True).content
    assert Block.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_blocks_and_follows_at_once_leave_no_follow_and_exact_counters(ann: User, bob: User) -> None:
    def follow(follower: User, followee: User) -> None:
        try:
            actions.follow(follower=follower, followee=followee)
        except actions.CannotFollow:
            pass

    steps = [partial(follow, ann, bob), partial(follow, bob, ann)] * 8
    steps[8:8] = [partial(blocking.block, blocker=ann, blocked=bob)] * 4
    at_once(steps)
    assert Block.objects.count() == 1
    assert not Follow.objects.exists()
    counters_are_exact()


@pytest.mark.django_db(transaction=True)
def test_a_follow_that_waits_for_a_block_sees_it(ann: User, bob: User) -> None:
    follow = partial(actions.follow, follower=bob, followee=ann)
    with overtaken(follow) as result:
        blocking.block(blocker=ann, blocked=bob)
    with pytest.raises(actions.CannotFollow):
        result()
    assert not Follow.objects.exists()


def test_the_page_lists_blocks_adds_and_undoes_them(client: Client, ann: User, bob: User) -> None:
    assert client.get("/settings/blocks/").status_code == 302
    client.force_login(ann)
    assert client.post("/settings/blocks/", {"username": " Bob "})["Location"] == "/settings/blocks/"
    assert Block.objects.filter(blocker=ann, blocked=bob).exists()
    page = client.get("/settings/blocks/").content
    assert b"/bob/unblock/" in page
    for wrong in ("nobody", "ann", ""):
        assert client.post("/settings/blocks/", {"username": wrong}).status_code == 422
    answer = client.post("/bob/unblock/", {"next": "/settings/blocks/"})
    assert answer["Location"] == "/settings/blocks/"
    assert not Block.objects.exists()


def test_blocking_needs_post_and_is_limited(client: Client, ann: User, bob: User, settings) -> None:
    assert client.post("/bob/block/").status_code == 403
    client.force_login(ann)
    assert client.get("/bob/block/").status_code == 405
    settings.LIMITS = settings.LIMITS | {"block": "2/1h"}
    assert client.post("/bob/block/")["Location"] == "/bob/"
    assert client.post("/bob/unblock/")["Location"] == "/bob/"
    assert client.post("/bob/block/").status_code == 429
    assert client.post("/settings/blocks/", {"username": "bob"}).status_code == 429


def test_the_blocked_get_the_answer_of_a_missing_person_and_the_blocker_the_reason(
    client: Client, ann: User, bob: User
) -> None:
    blocking.block(blocker=ann, blocked=bob)
    client.force_login(bob)
    assert client.post("/ann/follow/").status_code == client.post("/nobody/follow/").status_code == 404
    page = client.get("/ann/").content.decode()
    assert "unblock" not in page
    assert 'action="/ann/follow/"' in page
    client.force_login(ann)
    assert b"unblock them first" in client.post("/bob/follow/", follow=True).content
    assert b'action="/bob/unblock/"' in client.get("/bob/").content

"""Requests to follow a private account: exact and idempotent, also when both people act at the same time."""

from collections.abc import Callable
from functools import partial

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from apps.accounts.actions import set_private, switch_off
from apps.accounts.models import User
from apps.graph import actions, events
from apps.graph.blocking import block
from apps.graph.models import Block, Follow, FollowRequest
from apps.graph.tests.test_follow import counters_are_exact
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db

NEITHER, ASKING, FOLLOWING = (0, 0), (0, 1), (1, 0)


@pytest.fixture
def ann(db: None) -> User:
    """A private account."""
    return User.objects.create_user("ann", "ann@example.org", is_private=True, display_name="Ann")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", bio="bread")


def state() -> tuple[int, int]:
    """How many follows and how many requests there are."""
    counters_are_exact()
    return Follow.objects.count(), FollowRequest.objects.count()


def test_following_a_private_person_is_asking(client: Client, ann: User, bob: User) -> None:
    client.force_login(bob)
    assert "ask to follow" in client.get("/ann/").text
    for _ in range(2):
        assert client.post("/ann/follow/")["Location"] == "/ann/"
    assert state() == ASKING
    assert "take back your request" in client.get("/ann/").text
    client.post("/ann/unfollow/")
    assert state() == NEITHER


def test_the_script_is_told_that_the_click_asked(client: Client, ann: User, bob: User) -> None:
    """Also where the page was rendered while the account was public."""
    client.force_login(bob)
    answer = client.post("/ann/follow/", headers={"Accept": "application/json"}).json()
    assert (answer["label"], answer["said"]) == ("take back your request", "asked. it's theirs to say yes.")
    assert answer["moved"]["followers"][0] == 0
    set_private(user=ann, is_private=False)
    answer = client.post("/ann/follow/", headers={"Accept": "application/json"}).json()
    assert (answer["label"], answer.get("said")) == ("stop following", None)


def test_a_request_is_accepted_once(client: Client, ann: User, bob: User) -> None:
    actions.follow(follower=bob, followee=ann)
    client.force_login(ann)
    assert "@bob" in client.get("/requests/").text
    client.force_login(bob)
    assert "@ann" in client.get("/requests/sent/").text
    assert client.post("/requests/ann/accept/").status_code == 302
    assert state() == ASKING, "the asker cannot accept"
    client.force_login(ann)
    for _ in range(2):
        assert (
            client.post("/requests/bob/accept/", {"next": "/notifications/"})["Location"] == "/notifications/"
        )
        assert state() == FOLLOWING
    client.force_login(bob)
    assert "stop following" in client.get("/ann/").text


def test_a_refused_request_can_be_made_again_within_a_limit(
    client: Client, ann: User, bob: User, settings: object
) -> None:
    settings.LIMITS = settings.LIMITS | {"ask_again": "2/7d"}  # type: ignore[attr-defined]
    for _ in range(2):
        client.force_login(bob)
        assert client.post("/ann/follow/").status_code == 302
        client.post("/ann/follow/")  # a second click does not count
        client.force_login(ann)
        client.post("/requests/bob/refuse/")
        assert state() == NEITHER
    client.force_login(bob)
    assert "ask to follow" in client.get("/ann/").text
    assert client.post("/ann/follow/").status_code == 429
    assert state() == NEITHER


def test_going_public_accepts_nothing_and_waiting_requests_can_be_accepted(ann: User, bob: User) -> None:
    cee = User.objects.create_user("cee", "cee@example.org")
    for asker in (bob, cee):
        actions.follow(follower=asker, followee=ann)
    set_private(user=ann, is_private=False)
    assert state() == (0, 2)
    assert actions.accept(asked=ann, asker=bob)
    assert not actions.follow(follower=cee, followee=ann).is_asking
    assert state() == (2, 0)


def test_going_private_keeps_the_followers(ann: User, bob: User) -> None:
    set_private(user=ann, is_private=False)
    actions.follow(follower=bob, followee=ann)
    set_private(user=ann, is_private=True)
    assert not actions.follow(follower=bob, followee=ann).is_asking
    assert state() == FOLLOWING


def test_the_number_of_open_requests_is_limited(
    client: Client, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "REQUESTS_LIMIT", 1)
    User.objects.create_user("cee", "cee@example.org", is_private=True)
    client.force_login(bob)
    for name in ("ann", "ann", "cee"):
        client.post(f"/{name}/follow/")
    assert state() == ASKING
    assert "you asked 1 people already" in client.get("/cee/").text


def test_a_request_of_a_person_who_follows_too_many_stays(
    client: Client, ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    actions.follow(follower=bob, followee=ann)
    monkeypatch.setattr(actions, "FOLLOWING_LIMIT", 0)
    client.force_login(ann)
    client.post("/requests/bob/accept/")
    client.post("/requests/accept-all/")
    assert state() == ASKING


def test_all_are_accepted_in_bounded_steps_without_those_who_are_switched_off(ann: User) -> None:
    people = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(5)]
    for person in people:
        actions.follow(follower=person, followee=ann)
    switch_off(people=[people[0]], by=None)
    assert actions.accept_all(asked=ann, limit=3) == 3
    left = FollowRequest.objects.order_by("pk").values_list("asker__username", flat=True)
    assert list(left) == ["fan0", "fan4"]
    assert actions.accept_all(asked=ann, limit=3) == 1
    assert state() == (4, 1)


def test_requests_page_newest_first(client: Client, ann: User) -> None:
    for number in range(45):
        person = User.objects.create_user(f"fan{number}", f"fan{number}@example.org")
        actions.follow(follower=person, followee=ann)
    client.force_login(ann)
    page = client.get("/requests/").context["page"]
    assert [person.username for person in page][:2] == ["fan44", "fan43"]
    older = client.get("/requests/" + page.older).context["page"]
    assert [person.username for person in older] == ["fan4", "fan3", "fan2", "fan1", "fan0"]


def test_the_lists_of_follows_of_a_private_person_are_for_followers(
    client: Client, ann: User, bob: User
) -> None:
    fan, other = (User.objects.create_user(name, f"{name}@example.org") for name in ("fan", "other"))
    actions.follow(follower=fan, followee=ann, is_invited=True)
    actions.follow(follower=ann, followee=other)
    actions.follow(follower=bob, followee=ann)
    for viewer, sees in ((None, False), (bob, False), (other, False), (fan, True), (ann, True)):
        client.logout()
        if viewer:
            client.force_login(viewer)
        for address, shown in (("/ann/followers/", "/fan/"), ("/ann/following/", "/other/")):
            page = client.get(address)
            assert (page.context["page"] is not None) == sees, (viewer, address)
            if viewer not in (fan, other):
                assert (f'href="{shown}"' in page.text) == sees, (viewer, address)
    assert "<b>1</b> following" in client.get("/ann/followers/").text


def test_a_public_persons_lists_cost_no_query_more(
    bob: User, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    from apps.graph.queries import asked_among, shows_follows

    with django_assert_num_queries(0):
        assert shows_follows(bob, 7)
        assert asked_among(7, [bob]) == set()


def test_a_request_is_not_accepted_across_a_block(ann: User, bob: User) -> None:
    actions.follow(follower=bob, followee=ann)
    Block.objects.create(blocker=bob, blocked=ann)
    assert not actions.accept(asked=ann, asker=bob)
    assert state() == NEITHER


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_at_once_are_one_and_fifty_answers_are_one_follow(
    ann: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    followed: list[events.Pair] = []
    monkeypatch.setattr(events.followed, "emit", followed.append)
    ask: Callable[[], object] = partial(actions.follow, follower=bob, followee=ann)
    at_once([ask] * 50)
    assert state() == ASKING
    accept: Callable[[], object] = partial(actions.accept, asked=ann, asker=bob)
    at_once([*[accept] * 25, *[ask] * 25])
    assert state() == FOLLOWING
    assert [pair.by_request for pair in followed] == [True]


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("how", ["withdraw", "block"])
def test_in_either_order_a_withdrawn_or_blocked_person_does_not_follow(
    ann: User, bob: User, how: str
) -> None:
    end: Callable[[], object] = (
        partial(block, blocker=ann, blocked=bob)
        if how == "block"
        else partial(actions.unfollow, follower=bob, followee=ann)
    )
    for _ in range(20):
        Block.objects.all().delete()
        actions.follow(follower=bob, followee=ann)
        accept: Callable[[], object] = partial(actions.accept, asked=ann, asker=bob)
        at_once([accept, end])
        assert state() == NEITHER


@pytest.mark.django_db(transaction=True)
def test_an_answer_is_final_whichever_of_the_two_it_is(ann: User, bob: User) -> None:
    for _ in range(20):
        actions.follow(follower=bob, followee=ann)
        accepted, refused = at_once([
            partial(actions.accept, asked=ann, asker=bob),
            partial(actions.refuse, asked=ann, asker=bob),
        ])  # fmt: skip
        assert accepted != refused
        assert state() == (FOLLOWING if accepted else NEITHER)
        actions.unfollow(follower=bob, followee=ann)


def test_a_block_ends_requests_in_both_directions(ann: User, bob: User) -> None:
    User.objects.update(is_private=True)
    actions.follow(follower=ann, followee=bob)
    actions.follow(follower=bob, followee=ann)
    assert FollowRequest.objects.count() == 2
    block(blocker=ann, blocked=bob)
    assert not FollowRequest.objects.exists()

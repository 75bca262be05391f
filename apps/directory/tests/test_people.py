"""Lists of people: who is on them, for whom, and in which order."""

import datetime
from collections.abc import Callable

import pytest
from allauth.account.models import EmailAddress
from django.db import connection
from django.db.models import F
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.actions import switch_off
from apps.accounts.models import User
from apps.directory import queries, tasks
from apps.directory.models import FIRST_FOLLOWS, FirstFollow, Suggestion
from apps.graph import actions as graph
from apps.graph.models import Block, Mute
from apps.kwips.models import Kwip

pytestmark = pytest.mark.django_db
type Publish = Callable[..., Kwip]
LISTS = ["new", "active", "network"]


@pytest.fixture
def cee() -> User:
    return User.objects.create_user("cee", "cee@example.org")


@pytest.fixture
def listed(ann: User, bob: User, cee: User, publish: Publish) -> User:
    """Cee, who is on each list of bob's: bob follows ann, ann follows cee."""
    graph.follow(follower=bob, followee=ann)
    graph.follow(follower=ann, followee=cee)
    User.objects.filter(pk=bob.pk).update(last_login=timezone.now())
    publish(cee)
    tasks.find_active_and_busy.func()
    tasks.suggest.func()
    return cee


def names(which: str, viewer: User | None) -> list[str]:
    read = getattr(queries, which)
    return [person.username for person in read(viewer.pk if viewer else None, {})]


@pytest.mark.parametrize("which", LISTS)
def test_a_list_has_those_whom_the_viewer_may_meet(listed: User, bob: User, which: str) -> None:
    assert "cee" in names(which, bob)


@pytest.mark.parametrize("which", LISTS)
@pytest.mark.parametrize("why", ["off", "limited", "unconfirmed", "blocks", "is blocked", "muted"])
def test_no_list_has_people_who_are_off_limited_unconfirmed_blocked_or_muted(
    listed: User, bob: User, which: str, why: str
) -> None:
    if why == "off":
        switch_off(people=[listed], by=None)
    elif why == "limited":
        User.objects.filter(pk=listed.pk).update(is_limited=True)
    elif why == "unconfirmed":
        EmailAddress.objects.create(user=listed, email=listed.email, primary=True, verified=False)
    elif why == "muted":
        Mute.objects.create(muter=bob, muted=listed)
    else:
        pair = (listed, bob) if why == "blocks" else (bob, listed)
        Block.objects.create(blocker=pair[0], blocked=pair[1])
    assert "cee" not in names(which, bob)
    tasks.find_active_and_busy.func()
    tasks.suggest.func()
    assert "cee" not in names(which, bob)
    assert "cee" not in [person.username for person in queries.first_follows(bob.pk)]


def test_new_people_come_newest_first_in_pages(ann: User, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queries, "PAGE_SIZE", 2)
    for number in range(4):
        User.objects.create_user(f"new{number}", f"new{number}@example.org")
    page = queries.new(None, {})
    assert [person.username for person in page] == ["new3", "new2"]
    following = queries.new(None, {"before": page.next.removeprefix("?before=")})
    assert [person.username for person in following] == ["new1", "new0"]
    assert following.previous


def test_who_wrote_on_more_days_is_more_active_and_hidden_kwips_do_not_count(
    ann: User, bob: User, cee: User, publish: Publish
) -> None:
    for days in range(3):
        kwip = publish(ann)
        Kwip.objects.filter(pk=kwip.pk).update(created_at=F("created_at") - datetime.timedelta(days=days))
    for _ in range(5):
        publish(bob)
        publish(cee, followers_only=True)
    old = publish(cee)
    Kwip.objects.filter(pk=old.pk).update(
        created_at=F("created_at") - datetime.timedelta(days=tasks.ACTIVE_DAYS, seconds=1)
    )
    tasks.find_active_and_busy.func()
    assert names("active", None) == ["ann", "bob"]


def test_a_member_gets_whom_most_of_their_followees_follow_and_not_whom_they_follow(
    ann: User, bob: User, cee: User
) -> None:
    dee, eve, me = (User.objects.create_user(name, f"{name}@example.org") for name in ("dee", "eve", "moi"))
    for followee in (ann, bob, cee):
        graph.follow(follower=me, followee=followee)
    for follower, followee in ((ann, dee), (ann, eve), (bob, eve), (ann, bob), (ann, me)):
        graph.follow(follower=follower, followee=followee)
    User.objects.filter(pk=me.pk).update(last_login=timezone.now())
    assert tasks.suggest.func() == 1
    found = queries.network(me.pk, {})
    assert [(person.username, person.followed_by) for person in found] == [("eve", 2), ("dee", 1)]  # type: ignore[attr-defined]
    assert names("network", bob) == []
    graph.follow(follower=me, followee=eve)
    assert names("network", me) == ["dee"]


def test_suggestions_are_bounded_replaced_and_deleted_when_the_member_was_long_away(
    listed: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SUGGESTIONS", 1)
    monkeypatch.setattr(tasks, "BATCH", 1)
    ann = User.objects.get(username="ann")
    for number in range(3):
        further = User.objects.create_user(f"far{number}", f"far{number}@example.org")
        graph.follow(follower=ann, followee=further)
    User.objects.filter(pk=ann.pk).update(last_login=timezone.now())
    assert tasks.suggest.func() == 2
    assert Suggestion.objects.filter(member=bob).count() == 1
    User.objects.filter(pk=bob.pk).update(last_login=timezone.now() - datetime.timedelta(days=31))
    assert tasks.suggest.func() == 1
    assert not Suggestion.objects.filter(member=bob).exists()


def test_an_interrupted_command_continues_with_the_next_member(
    listed: User, bob: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tasks, "SECONDS", -1.0)
    monkeypatch.setattr(tasks, "BATCH", 1)
    Suggestion.objects.all().delete()
    assert tasks.suggest.func(after=bob.pk) == 0
    assert not Suggestion.objects.exists()
    assert tasks.suggest.func(after=bob.pk - 1) == 1
    assert Suggestion.objects.filter(member=bob).exists()


def test_a_newcomer_is_offered_people_whom_operators_chose_then_active_ones(
    ann: User, bob: User, cee: User, publish: Publish, client: Client
) -> None:
    for author in (ann, bob):
        publish(author)
    tasks.find_active_and_busy.func()
    FirstFollow.objects.create(person=cee)
    me = User.objects.create_user("moi", "moi@example.org")
    client.force_login(me)
    for path in ("/", "/welcome/"):
        page = client.get(path).content.decode()
        assert page.index('action="/cee/follow/"') < page.index('action="/bob/follow/"')
        assert 'action="/ann/follow/"' in page
    client.post("/cee/follow/", {"next": "/"})
    assert "first-follows" not in client.get("/").content.decode()
    assert [person.username for person in queries.first_follows(cee.pk)] == ["bob", "ann"]


def test_each_has_the_newest_words_that_the_viewer_may_read_and_who_wrote_lately_comes_last(
    ann: User, bob: User, cee: User, publish: Publish, client: Client
) -> None:
    publish(cee, text="a kettle for everyone")
    publish(cee, text="a secret for friends", followers_only=True)
    FirstFollow.objects.create(person=bob)
    found = queries.first_follows(ann.pk)
    assert [(person.username, person.words) for person in found] == [  # type: ignore[attr-defined]
        ("bob", ""), ("cee", "a kettle for everyone"),
    ]  # fmt: skip
    client.force_login(ann)
    page = client.get("/").content.decode()
    assert "a kettle for everyone" in page
    assert "a secret" not in page


def test_five_are_offered_in_one_query_and_none_who_is_followed_or_private(
    ann: User, bob: User, publish: Publish
) -> None:
    people = [User.objects.create_user(f"far{n}", f"far{n}@example.org") for n in range(8)]
    for person in people:
        publish(person)
    graph.follow(follower=ann, followee=people[7])
    User.objects.filter(pk=people[6].pk).update(is_private=True)
    with CaptureQueriesContext(connection) as captured:
        found = queries.first_follows(ann.pk)
    assert [person.username for person in found] == ["far5", "far4", "far3", "far2", "far1"]
    assert len(captured) == 1


def test_a_member_who_follows_only_silent_people_is_offered_others_until_one_of_them_writes(
    ann: User, bob: User, cee: User, publish: Publish, client: Client
) -> None:
    graph.follow(follower=ann, followee=bob)
    publish(cee, text="a kettle for everyone")
    publish(ann, text="anyone there")
    client.force_login(ann)
    assert 'action="/cee/follow/"' in client.get("/").content.decode()
    publish(bob)
    assert 'action="/cee/follow/"' not in client.get("/").content.decode()


def test_a_network_with_kwips_costs_no_query_for_suggestions(
    ann: User, bob: User, publish: Publish, client: Client
) -> None:
    graph.follow(follower=ann, followee=bob)
    publish(bob)
    client.force_login(ann)
    with CaptureQueriesContext(connection) as captured:
        client.get("/")
    assert not [query for query in captured if "firstfollow" in query["sql"]]


def test_operators_choose_a_bounded_number_of_people_in_the_admin(client: Client, ann: User) -> None:
    client.force_login(User.objects.create_superuser("ops", "ops@example.org"))
    people = [User(username=f"far{n}", email=f"far{n}@example.org") for n in range(FIRST_FOLLOWS - 1)]
    FirstFollow.objects.bulk_create(FirstFollow(person=it) for it in User.objects.bulk_create(people))
    add = "/admin/directory/firstfollow/add/"
    assert client.post(add, {"person": ann.pk, "place": 1}).status_code == 302
    assert client.get("/admin/directory/firstfollow/").status_code == 200
    bob = User.objects.create_user("bob", "bob@example.org")
    assert "There are 20 already" in client.post(add, {"person": bob.pk, "place": 1}).content.decode()


def test_the_page_has_a_form_that_searches_people(client: Client, ann: User) -> None:
    page = client.get("/people/").content.decode()
    assert 'action="/search/"' in page
    assert '<input type="hidden" name="in" value="people">' in page


def test_a_member_follows_from_the_list_but_not_themselves(client: Client, ann: User, bob: User) -> None:
    client.force_login(ann)
    page = client.get("/people/").content.decode()
    assert 'action="/bob/follow/"' in page
    assert 'action="/ann/follow/"' not in page
    assert "/follow/" not in Client().get("/people/").content.decode()

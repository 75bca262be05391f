"""What a person saw of a conversation that they track: where it opens, and the rule before what is new."""

import re
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps.accounts.models import User
from apps.graph.muting import mute_person
from apps.kwips import actions, tracking
from apps.kwips.models import Kwip, Track
from apps.kwips.visibility import Visible
from tests.support.concurrency import at_once

type Write = Callable[..., Kwip]
RULE = '<li id="new"'


@pytest.fixture
def eve(db: None) -> User:
    return User.objects.create_user("eve", "eve@example.org")


@pytest.fixture
def reader(client: Client, bob: User) -> Client:
    client.force_login(bob)
    return client


@pytest.fixture
def talk(ann: User, bob: User, publish: Write, comment: Write) -> Kwip:
    """A kwip of ann's that bob tracks, with a comment."""
    kwip = publish(ann)
    comment(ann, kwip, "seen")
    tracking.set_tracking(kwip=kwip, user=bob, is_on=True)
    return kwip


def opened(client: Client, kwip: Kwip) -> str:
    """The page to which the address of the kwip leads."""
    answer = client.get(f"/ann/kwip/{kwip.pk}/", follow=True)
    assert answer.status_code == 200
    return answer.content.decode()


def below_the_rule(html: str) -> list[int]:
    return [int(number) for number in re.findall(r'<article id="kwip-(\d+)"', html.partition(RULE)[2])]


def see(kwip: Kwip, user: User, comment_id: int) -> None:
    """As the page does it that was read before any other."""
    tracked = tracking.Tracked(choice=None, is_on=True)
    tracking.see(kwip=kwip, user=user, tracked=tracked, newest=Visible(comment_id))


@pytest.mark.django_db
def test_a_rule_stands_before_the_first_comment_of_others_that_was_not_seen(
    reader: Client, ann: User, bob: User, eve: User, talk: Kwip, comment: Write
) -> None:
    assert RULE not in opened(reader, talk), "the first visit knows of none before"
    comment(bob, talk, "my own")
    new = [comment(eve, talk).pk, comment(ann, talk).pk]
    html = opened(reader, talk)
    assert below_the_rule(html) == new
    assert html.count(RULE) == 1
    assert RULE not in opened(reader, talk), "now they are seen"


@pytest.mark.django_db
def test_the_address_leads_to_the_first_new_comment_on_whatever_page_it_is(
    reader: Client, ann: User, talk: Kwip, comment: Write
) -> None:
    opened(reader, talk)
    assert reader.get(f"/ann/kwip/{talk.pk}/").status_code == 200, "nothing is new"
    for already in (0, 80):
        for _ in range(already):
            comment(ann, talk)
        see(talk, User.objects.get(username="bob"), Kwip.objects.latest("pk").pk)
        new = [comment(ann, talk).pk for _ in range(3)]
        moved = reader.get(f"/ann/kwip/{talk.pk}/")
        assert (moved.status_code, moved["Location"].partition("#")[2]) == (302, "new")
        html = reader.get(moved["Location"]).content.decode()
        assert below_the_rule(html) == new
        assert reader.get(f"/ann/kwip/{talk.pk}/").status_code == 200


@pytest.mark.django_db
def test_who_reads_on_meets_no_second_rule(reader: Client, ann: User, talk: Kwip, comment: Write) -> None:
    opened(reader, talk)
    for _ in range(60):
        comment(ann, talk)
    first = reader.get(f"/ann/kwip/{talk.pk}/", follow=True)
    assert "new since" in first.content.decode()
    second = reader.get(f"/ann/kwip/{talk.pk}/{first.context['page'].next}").content.decode()
    assert "new since" not in second
    assert re.search(r'<ol class="talk">\s*<li id="new"[^>]*>\s*<article', second)


@pytest.mark.django_db
def test_answering_a_comment_shows_the_page_that_has_it(
    reader: Client, ann: User, talk: Kwip, comment: Write
) -> None:
    made = [comment(ann, talk) for _ in range(60)]
    html = reader.get(f"/ann/kwip/{talk.pk}/?answers={made[-1].pk}").content.decode()
    assert f'<article id="kwip-{made[-1].pk}"' in html
    assert "@ann </textarea>" in html


@pytest.mark.django_db
def test_there_is_no_rule_for_those_who_do_not_track(
    reader: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    comment(ann, kwip)
    for _ in range(2):
        assert RULE not in opened(reader, kwip)
        comment(ann, kwip)
    assert not Track.objects.exists()
    tracking.set_tracking(kwip=kwip, user=bob, is_on=True)
    opened(reader, kwip)
    comment(ann, kwip)
    tracking.set_tracking(kwip=kwip, user=bob, is_on=False)
    assert RULE not in opened(reader, kwip)
    tracking.set_tracking(kwip=kwip, user=bob, is_on=True)
    assert RULE not in opened(reader, kwip), "what was seen before says nothing of the time between"
    assert RULE not in opened(Client(), kwip)


@pytest.mark.django_db
def test_the_author_has_the_rule_too_and_tracks_as_before(
    client: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    client.force_login(ann)
    opened(client, kwip)
    assert not Track.objects.exists()
    comment(bob, kwip)
    opened(client, kwip)
    assert tracking.tracked(kwip, ann)[:2] == (True, True)
    new = comment(bob, kwip)
    assert below_the_rule(opened(client, kwip)) == [new.pk]
    client.post(f"/kwip/{kwip.pk}/untrack/")
    comment(bob, kwip)
    opened(client, kwip)
    assert not tracking.tracked(kwip, ann).is_on, "a visit does not track again"


@pytest.mark.django_db
def test_comments_that_the_person_does_not_see_are_not_new(
    reader: Client, bob: User, eve: User, talk: Kwip, comment: Write
) -> None:
    opened(reader, talk)
    mute_person(muter=bob, muted=eve, ends_at=None, is_muffled=False)
    comment(eve, talk)
    assert reader.get(f"/ann/kwip/{talk.pk}/").status_code == 200
    assert RULE not in opened(reader, talk)


@pytest.mark.django_db
def test_a_page_view_writes_only_what_is_later(reader: Client, ann: User, talk: Kwip, comment: Write) -> None:
    def written() -> int:
        with CaptureQueriesContext(connection) as captured:
            opened(reader, talk)
        return sum("kwips_see_comments" in query["sql"] for query in captured)

    assert [written(), written()] == [1, 0]
    comment(ann, talk)
    assert [written(), written()] == [1, 0]


@pytest.mark.django_db
def test_what_was_seen_only_moves_forward(ann: User, bob: User, talk: Kwip, comment: Write) -> None:
    first, second = comment(ann, talk).pk, comment(ann, talk).pk
    see(talk, bob, second)
    see(talk, bob, first)
    seen = tracking.tracked(talk, bob).seen
    assert seen
    assert seen.id == second


@pytest.mark.django_db
def test_what_was_seen_goes_with_the_person_and_with_the_kwip(
    ann: User, bob: User, talk: Kwip, comment: Write
) -> None:
    see(talk, bob, comment(ann, talk).pk)
    assert Track.objects.get().seen_at
    actions.delete(kwip=talk)
    assert not Track.objects.exists()
    see(talk, ann, 7)
    assert not Track.objects.exists(), "a page that was read before the kwip was deleted"


@pytest.mark.django_db(transaction=True)
def test_many_pages_at_once_leave_the_latest_and_no_choice_is_lost(
    ann: User, bob: User, talk: Kwip, comment: Write
) -> None:
    """A page that finds the row locked writes nothing: the mark is one that some page showed."""
    ids = [comment(bob, talk).pk for _ in range(8)]
    at_once([partial(see, talk, ann, pk) for pk in ids])
    seen = tracking.tracked(talk, ann).seen
    assert seen
    assert seen.id in ids
    at_once([partial(see, talk, bob, ids[-1]), partial(stop, talk, bob)])
    assert tracking.tracked(talk, bob).choice is False


def stop(kwip: Kwip, user: User) -> None:
    tracking.set_tracking(kwip=kwip, user=user, is_on=False)

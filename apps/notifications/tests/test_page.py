"""The page of notices, and the unread mark in the frame."""

import re
import uuid
from collections.abc import Callable

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from apps import lookaside
from apps.accounts import actions as accounts
from apps.accounts.backends import AccountBackend, CachedUserBackend
from apps.accounts.models import User
from apps.graph import actions as graph
from apps.graph.models import Block
from apps.kwips import actions
from apps.kwips.models import Kwip
from apps.notifications import queries
from apps.notifications.actions import MAX_NOTICES
from apps.notifications.models import Notice
from apps.notifications.registry import KINDS

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("memcached")]

type Write = Callable[..., Kwip]
MARK = "something new"


@pytest.fixture
def member(client: Client, ann: User) -> Client:
    client.force_login(ann)
    return client


def page(member: Client, query: str = "") -> str:
    answer = member.get(f"/notifications/{query}")
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def words(html: str) -> list[str]:
    """What each line says."""
    main = html.split("<main")[1].split("</main")[0]
    main = re.sub(r'<span class="sr">new: *</span>', "", main)
    lines = re.findall(r'<a href="([^"]+)"[^>]*>((?:(?!</a>).)*)</a>\s*<time', main)
    return [f"{re.sub('<[^>]+>', '', text).strip()} {path}" for path, text in lines]


def people(*names: str) -> list[User]:
    return [User.objects.create_user(name, f"{name}@example.org") for name in names]


def test_a_request_can_be_answered_where_it_is_told(member: Client, ann: User, bob: User) -> None:
    accounts.set_private(user=ann, is_private=True)
    graph.follow(follower=bob, followee=ann)
    html = page(member)
    assert words(html) == ["bob asks to follow you /requests/"]
    assert 'action="/requests/bob/accept/"' in html
    assert 'action="/requests/bob/refuse/"' in html
    member.post("/requests/bob/accept/")
    assert words(page(member)) == [], "a request that is answered is no notice"
    member.force_login(bob)
    assert words(page(member)) == ["ann said yes: you follow them now /ann/"]


def test_two_who_ask_on_one_day_are_one_line_without_buttons(member: Client, ann: User) -> None:
    accounts.set_private(user=ann, is_private=True)
    for asker in people("cee", "dee"):
        graph.follow(follower=asker, followee=ann)
    html = page(member)
    assert words(html) == ["dee and cee ask to follow you /requests/"]
    assert "/accept/" not in html


def test_a_request_that_is_made_again_is_new_again_and_a_blocked_person_is_not_told_of(
    member: Client, ann: User, bob: User
) -> None:
    accounts.set_private(user=ann, is_private=True)
    graph.follow(follower=bob, followee=ann)
    graph.refuse(asked=ann, asker=bob)
    member.post("/notifications/clear/", {"newest": 2**60})
    assert words(page(member)) == []
    graph.follow(follower=bob, followee=ann)
    assert len(words(page(member))) == 1
    Block.objects.create(blocker=bob, blocked=ann)
    assert words(page(member)) == []


def test_an_empty_list_has_a_kind_word_and_visitors_are_asked_to_sign_in(member: Client) -> None:
    assert "all quiet" in page(member)
    assert Client().get("/notifications/")["Location"] == "/accounts/login/?next=/notifications/"


def test_each_kind_has_its_words_and_its_place_grouped_by_conversation(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    own, other = publish(ann, "tea at four"), publish(bob, "bread")
    actions.comment(author=ann, thread=other, text="butter?", form_key=uuid.uuid4(), track=True)
    graph.follow(follower=bob, followee=ann)
    answer = comment(bob, other, "and jam")
    for liked in (own, other.comments.get(author=ann)):
        actions.favourite(kwip=liked, user=bob)
    first = comment(bob, own, "with milk?")
    called = comment(bob, own, "@ann, with milk?")
    comment(bob, own, "no answer?")
    mentioned = publish(bob, "@ann said so")
    mine = other.comments.get(author=ann)
    assert words(page(member)) == [
        f"bob mentioned you /bob/kwip/{mentioned.pk}/",
        f"bob mentioned you in a comment /bob/kwip/{called.pk}/",
        f"bob answered your kwip /bob/kwip/{first.pk}/",
        f"bob likes your kwip /ann/kwip/{own.pk}/",
        f"bob likes your comment /ann/kwip/{mine.pk}/",
        f"bob said something in a talk you track /bob/kwip/{answer.pk}/",
        "bob follows you now /bob/",
    ]
    html = page(member)
    assert html.index("tea at four") < html.index("bread")
    assert html.count('class="notifications-about"') == 3


def test_favourites_are_one_line_that_names_two_and_counts_the_others(
    member: Client, ann: User, publish: Write
) -> None:
    kwip = publish(ann)
    expected = [
        "one likes", "two and one like", "three, two and one like", "four, three and 2 others like",
        "five, four and 3 others like",
    ]  # fmt: skip
    for person, said in zip(people("one", "two", "three", "four", "five"), expected, strict=True):
        actions.favourite(kwip=kwip, user=person)
        assert words(page(member)) == [f"{said} your kwip /ann/kwip/{kwip.pk}/"]


def test_what_changed_since_is_not_shown(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    [cee] = people("cee")
    graph.follow(follower=ann, followee=bob)
    hidden = publish(bob, "between us, @ann", followers_only=True)
    kwip = publish(ann)
    gone, stays = comment(bob, kwip, "gone"), comment(cee, kwip, "stays")
    actions.favourite(kwip=kwip, user=bob)
    graph.follow(follower=cee, followee=ann)
    assert len(words(page(member))) == 4
    graph.unfollow(follower=ann, followee=bob)
    assert f"/kwip/{hidden.pk}/" not in page(member), "it is no longer for ann's eyes"
    actions.delete(kwip=Kwip.objects.get(pk=gone.pk))
    assert f"cee answered your kwip /cee/kwip/{stays.pk}/" in words(page(member)), "the next comment"
    actions.unfavourite(kwip=kwip, user=bob)
    graph.unfollow(follower=cee, followee=ann)
    assert words(page(member)) == [f"cee answered your kwip /cee/kwip/{stays.pk}/"]
    accounts.switch_off(people=[cee], by=None)
    assert words(page(member)) == []
    accounts.switch_on(people=[cee], by=None)
    actions.delete(kwip=Kwip.objects.get(pk=kwip.pk))
    assert words(page(member)) == []
    assert not Notice.objects.filter(thread_id=kwip.pk).exists()


def test_opening_the_list_marks_what_is_new_as_seen_and_this_once_shows_it_as_new(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    assert MARK not in page(member)
    comment(bob, kwip)
    assert MARK in member.get("/everyone/").content.decode()
    assert "new:" in (html := page(member))
    assert MARK not in html
    assert "new:" not in page(member)
    comment(bob, kwip)
    assert MARK not in page(member), "silent: ann was not in the conversation"
    member.get(f"/ann/kwip/{kwip.pk}/")
    comment(bob, kwip)
    assert MARK in member.get("/everyone/").content.decode()
    conversation = member.get(f"/ann/kwip/{kwip.pk}/", follow=True).content.decode()
    assert MARK not in conversation, "the conversation is seen, too"
    assert "new:" not in page(member)


def test_the_mark_costs_no_query_and_no_round_trip_and_is_ones_own(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    for address in ("/about/", "/about/"):
        member.get(address)
    CachedUserBackend().get_user(bob.pk)
    before = cost(member)
    comment(bob, kwip)
    with CaptureQueriesContext(connection) as captured:
        assert CachedUserBackend().get_user(bob.pk)
    assert len(captured) == 1, "only their own counter invalidated them"
    [cee] = people("cee")
    CachedUserBackend().get_user(cee.pk)
    actions.favourite(kwip=kwip, user=bob)
    with CaptureQueriesContext(connection) as captured:
        CachedUserBackend().get_user(cee.pk)
    assert len(captured) == 0, "someone else's entry stays"
    assert cost(member)[0] == before[0] + 1, "one statement reads the user and the mark"
    assert cost(member) == before
    assert MARK in member.get("/about/").content.decode()


def cost(member: Client) -> tuple[int, int]:
    with CaptureQueriesContext(connection) as captured, lookaside.stats.collected() as counts:
        member.get("/about/")
    return len(captured), counts.round_trips


def test_without_the_cache_the_same_statement_reads_the_mark(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    with CaptureQueriesContext(connection) as captured:
        found = AccountBackend().get_user(ann.pk)
    assert found
    assert (found.unread, len(captured)) == (True, 1)


def test_saving_a_cached_person_does_not_save_the_mark(
    ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    CachedUserBackend().get_user(ann.pk)
    found = CachedUserBackend().get_user(ann.pk)
    assert found
    assert found.unread
    found.bio = "tea"
    found.save()
    ann.refresh_from_db()
    assert ann.bio == "tea"


def test_clearing_removes_what_the_page_showed_and_notifies_of_nothing_again(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    actions.favourite(kwip=kwip, user=bob)
    comment(bob, kwip)
    found = re.search(r'name="newest" value="(\d+)"', page(member))
    assert found
    graph.follow(follower=bob, followee=ann)
    answer = member.post("/notifications/clear/", {"newest": found[1]})
    assert answer["Location"] == "/notifications/"
    assert words(page(member)) == ["bob follows you now /bob/"]
    actions.unfavourite(kwip=kwip, user=bob)
    actions.favourite(kwip=kwip, user=bob)
    comment(bob, kwip)
    assert words(page(member)) == ["bob follows you now /bob/"]
    for nonsense in ("", "x", "-1", "9" * 40):
        assert member.post("/notifications/clear/", {"newest": nonsense}).status_code == 302
    assert len(words(page(member))) == 1
    assert Client().post("/notifications/clear/", {"newest": "1"}).status_code == 403


def test_the_list_pages_by_keyset_and_takes_three_queries_at_most(
    member: Client, ann: User, bob: User, publish: Write
) -> None:
    kwips = [publish(bob, f"@ann {number}") for number in range(queries.PAGE_SIZE + 5)]
    member.get("/about/")  # reads the session and ann
    with CaptureQueriesContext(connection) as captured:
        first = page(member)
    assert len([query for query in captured if query["sql"] not in ("BEGIN", "COMMIT")]) <= 3
    older = re.search(r'rel="next" href="([^"]+)"', first)
    assert older
    publish(bob, "@ann and one more")
    second = page(member, older[1])
    shown = [int(said.split("/")[-2]) for said in words(first) + words(second)]
    assert shown == [kwip.pk for kwip in reversed(kwips)]
    assert MARK in second, "an older page is not the list's beginning"
    assert member.get("/notifications/?before=nonsense").status_code == 404
    newer = re.search(r'rel="prev" href="([^"]+)"', second)
    assert newer
    assert len(words(page(member, newer[1]))) == queries.PAGE_SIZE


def test_a_group_has_a_few_lines_and_a_list_its_newest_notices(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(bob)
    for _ in range(queries.LINES + 2):
        comment(bob, kwip, "@ann!")
    assert len(words(page(member))) == queries.LINES
    Notice.objects.bulk_create(
        Notice(recipient=ann, actor=bob, kind="follow", subject=number, grouping=f"day {number}")
        for number in range(1, MAX_NOTICES + 1)
    )
    graph.follow(follower=bob, followee=ann)
    assert set(words(page(member))) == {"bob follows you now /bob/"}


def test_every_kind_has_words_a_label_and_a_short_name(member: Client) -> None:
    from django.template.loader import get_template

    for kind in KINDS.values():
        assert get_template(kind.template)
        assert str(kind.label)
        assert len(kind.name) <= 20


def test_opening_a_conversation_without_news_is_one_statement(
    member: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    kwip = publish(ann)
    comment(bob, kwip)
    for expected in (2, 1):  # one looks, one marks as seen
        with CaptureQueriesContext(connection) as captured:
            member.get(f"/ann/kwip/{kwip.pk}/")
        statements = [query["sql"] for query in captured]
        assert len([sql for sql in statements if "visit" in sql]) == expected

"""Sending, reading and deleting: once, exact at any concurrency, bounded."""

import datetime
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from apps.accounts.models import User
from apps.graph.models import Follow
from apps.messages import actions, queries
from apps.messages.events import Messaged, messaged
from apps.messages.models import Message, Side
from apps.messages.tests.conftest import Send, is_marked, texts, while_the_first_is_open
from apps.policy.models import SitePolicy
from tests.support.concurrency import at_once

pytestmark = pytest.mark.django_db(transaction=True)


def consistent() -> None:
    """Each side has the newest message of its owner, and exists while there is one."""
    for side in Side.objects.all():
        newest = queries.newest(side.owner, side.other)
        assert newest
        assert side.newest_id == newest.pk
    pairs = set(Message.objects.values_list("owner", "other"))
    assert pairs == set(Side.objects.values_list("owner", "other"))


def test_a_form_that_is_sent_twice_is_one_message(client: Client, ann: User, fan: User, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"message": "1/1d"}
    client.force_login(ann)
    form = {"text": "once", "form_key": str(uuid.uuid4())}
    for _ in range(2):
        assert client.post("/messages/bob/", form)["Location"] == "/messages/bob/"
    assert texts(ann, fan) == texts(fan, ann) == ["once"]
    answer = client.post("/messages/bob/", form | {"form_key": str(uuid.uuid4()), "text": "too much"})
    assert answer.status_code == 429
    assert "too much" in answer.content.decode()


@pytest.mark.parametrize("deleting", ["sender", "recipient"])
def test_a_form_that_is_sent_again_after_one_of_them_deleted_the_message_sends_nothing(
    ann: User, fan: User, send: Send, deleting: str
) -> None:
    key = uuid.uuid4()
    assert send(ann, fan, "once", key)
    owner, other = (ann, fan) if deleting == "sender" else (fan, ann)
    actions.delete_conversation(owner=owner, other=other, newest=2**60)
    assert not send(ann, fan, "once", key)
    assert texts(owner, other) == []
    assert texts(other, owner) == ["once"]
    consistent()


def test_fifty_posts_of_one_form_at_once_are_one_message(ann: User, fan: User, send: Send) -> None:
    sent = at_once([partial(send, ann, fan, "once", uuid.uuid4())] * 50)
    assert sum(sent) == 1
    assert texts(ann, fan) == texts(fan, ann) == ["once"]
    consistent()


@pytest.mark.parametrize("is_new", [True, False])
def test_a_form_that_comes_while_it_is_being_stored_is_no_second_message(
    ann: User, fan: User, send: Send, is_new: bool
) -> None:
    if not is_new:
        send(ann, fan, "first")
    again = partial(send, ann, fan, "once", uuid.uuid4())
    assert not while_the_first_is_open(again, again)
    assert texts(fan, ann).count("once") == 1
    consistent()


def test_both_write_and_read_at_once_in_one_order_with_one_first_message_each_time(
    ann: User, fan: User, send: Send
) -> None:
    Follow.objects.create(follower=ann, followee=fan)
    heard: list[Messaged] = []
    hear = heard.append
    messaged.within(hear)
    try:
        at_once(
            [partial(send, ann, fan, f"a{n}") for n in range(20)]
            + [partial(send, fan, ann, f"b{n}") for n in range(20)]
        )
    finally:
        messaged.subscribers_within.remove(hear)
    assert sorted(message.text for message in Message.objects.filter(owner=ann)) == sorted(
        message.text for message in Message.objects.filter(owner=fan)
    )
    assert texts(ann, fan) == texts(fan, ann)
    assert sorted(event.sender.username for event in heard if event.is_first) == ["ann", "bob"]
    assert is_marked(ann)
    assert is_marked(fan)
    consistent()


def test_what_arrives_while_one_deletes_stays_unread_or_was_shown(ann: User, fan: User, send: Send) -> None:
    send(ann, fan, "old")
    newest = queries.newest(fan, ann)
    assert newest
    steps: list[Callable[[], object]] = [partial(send, ann, fan, f"new{n}") for n in range(20)]
    delete = partial(actions.delete_conversation, owner=fan, other=ann, newest=newest.pk)
    steps += [delete] * 20
    at_once(steps)
    assert sorted(Message.objects.filter(owner=fan).values_list("text", flat=True)) == sorted(
        f"new{n}" for n in range(20)
    )
    assert is_marked(fan)
    consistent()


def test_deleting_while_sending_leaves_no_row_without_its_side(ann: User, fan: User, send: Send) -> None:
    send(ann, fan)
    delete = partial(actions.delete_conversation, owner=fan, other=ann, newest=2**60)
    at_once([partial(send, ann, fan, f"{n}") for n in range(20)] + [delete] * 20)
    consistent()
    actions.delete_conversation(owner=fan, other=ann, newest=2**60)
    actions.delete_conversation(owner=ann, other=fan, newest=2**60)
    assert not Message.objects.exists(), "the rows are gone when both deleted them"
    assert not Side.objects.exists()


def test_deleting_one_message_leaves_the_other_side_and_shows_the_one_before(
    client: Client, ann: User, fan: User, send: Send
) -> None:
    for text in ("first", "second"):
        send(ann, fan, text)
    second = queries.newest(fan, ann)
    assert second
    client.force_login(ann)
    assert client.get(f"/messages/bob/{second.pk}/").status_code == 404, "bob's copy"
    client.post(f"/messages/bob/{second.pk}/")
    assert texts(fan, ann) == ["second", "first"]
    client.force_login(fan)
    page = client.get(f"/messages/ann/{second.pk}/").content.decode()
    assert "delete it" in page
    for _ in range(2):
        assert client.post(f"/messages/ann/{second.pk}/")["Location"] == "/messages/ann/"
    assert texts(fan, ann) == ["first"]
    assert texts(ann, fan) == ["second", "first"]
    page = client.get("/messages/").content.decode()
    assert "first" in page
    consistent()


def test_one_page_reads_them_and_the_mark_goes(client: Client, ann: User, fan: User, send: Send) -> None:
    eve = User.objects.create_user("eve", "eve@example.org")
    Follow.objects.create(follower=fan, followee=eve)
    client.force_login(fan)

    def is_shown(path: str = "/about/") -> bool:
        page = client.get(path).content.decode()
        return 'href="/messages/" class="has-news"' in page or 'page" class="has-news"' in page

    assert not is_shown()
    send(ann, fan)
    send(eve, fan)
    assert is_shown()
    assert is_shown("/messages/"), "the list reads nothing"
    assert is_shown("/messages/ann/"), "eve's is left"
    assert not is_shown("/messages/eve/")
    assert not is_shown()
    actions.delete_conversation(owner=fan, other=ann, newest=2**60)
    send(ann, fan, "again")
    assert is_shown()
    actions.delete_conversation(owner=fan, other=ann, newest=2**60)
    assert not is_shown(), "deleted unread"


def test_the_mark_costs_no_query_of_its_own(client: Client, ann: User, fan: User, send: Send) -> None:
    client.force_login(fan)
    client.get("/about/")

    def cost() -> int:
        with CaptureQueriesContext(connection) as captured:
            client.get("/about/")
        return len(captured)

    before = cost()
    send(ann, fan)
    client.get("/about/")
    assert cost() == before


def test_a_conversation_has_its_newest_messages(
    ann: User, fan: User, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "KEPT", 5)
    for n in range(8):
        send(ann, fan, f"{n}")
    assert texts(ann, fan) == texts(fan, ann) == ["7", "6", "5", "4", "3"]


def test_a_person_has_their_newest_conversations(
    ann: User, fan: User, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST", 3)
    people = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(5)]
    Follow.objects.bulk_create(Follow(follower=person, followee=ann) for person in people)
    for person in people:
        send(ann, person)
    assert [talk.username for talk in queries.conversations(ann, {})] == ["fan4", "fan3", "fan2"]
    assert Message.objects.filter(owner=ann).count() == 3
    assert Message.objects.filter(other=ann).count() == 5, "theirs stay"
    send(ann, people[2])
    assert [talk.username for talk in queries.conversations(ann, {})] == ["fan2", "fan4", "fan3"]
    consistent()


def test_people_who_write_to_each_other_at_once_do_not_deadlock(
    ann: User, fan: User, send: Send, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(actions, "MOST", 2)
    people = [ann, fan, *(User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(4))]
    Follow.objects.bulk_create(
        (Follow(follower=one, followee=other) for one in people for other in people if one != other),
        ignore_conflicts=True,
    )
    at_once([partial(send, one, other) for one in people for other in people if one != other] * 3)
    consistent()


def test_new_conversations_have_a_limit_of_their_own(client: Client, ann: User, fan: User, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"conversation": "1/1d"}
    eve = User.objects.create_user("eve", "eve@example.org")
    Follow.objects.create(follower=eve, followee=ann)
    client.force_login(ann)
    assert client.post("/messages/bob/", {"text": "1"}).status_code == 302
    assert client.post("/messages/bob/", {"text": "2"}).status_code == 302
    assert client.post("/messages/eve/", {"text": "3"}).status_code == 429
    assert texts(eve, ann) == []


def test_under_attack_a_new_account_begins_few_conversations(
    client: Client, ann: User, fan: User, settings
) -> None:
    settings.LIMITS = settings.LIMITS | {"attack_conversations": "1/1d"}
    eve = User.objects.create_user("eve", "eve@example.org")
    Follow.objects.create(follower=eve, followee=ann)
    SitePolicy(attack_until=timezone.now() + datetime.timedelta(hours=1)).save()
    client.force_login(ann)
    assert client.post("/messages/bob/", {"text": "1"}).status_code == 302
    refused = client.post("/messages/eve/", {"text": "a long letter"})
    assert refused.status_code == 429
    assert "a long letter" in refused.content.decode()
    ann.is_vouched = True
    ann.save()
    assert client.post("/messages/eve/", {"text": "3"}).status_code == 302

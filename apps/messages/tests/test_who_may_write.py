"""The rule: you can write to people who follow you and take messages, and answer those who wrote to you."""

import pytest
from django.test import Client

from apps.accounts import actions as accounts
from apps.accounts.models import User
from apps.graph.models import Block, Follow, Mute
from apps.messages import actions, queries
from apps.messages.models import Message, Side
from apps.messages.tests.conftest import Send, is_marked, texts

pytestmark = pytest.mark.django_db


def refuses(send: Send, sender: User, recipient: User) -> bool:
    """Whether the message is refused, and leaves nothing."""
    before = Message.objects.count(), Side.objects.count()
    try:
        send(sender, recipient)
    except actions.CannotWrite:
        assert (Message.objects.count(), Side.objects.count()) == before
        reach = queries.reach(sender.pk, recipient.pk)
        assert reach is None or not reach.may_write
        return True
    return False


def test_one_writes_to_people_who_follow_one_and_to_no_one_else(ann: User, bob: User, send: Send) -> None:
    assert refuses(send, ann, bob)
    Follow.objects.create(follower=ann, followee=bob)
    assert refuses(send, ann, bob), "it is bob who can write now"
    assert send(bob, ann, "hello")
    assert texts(ann, bob) == ["hello"]
    assert texts(bob, ann) == ["hello"]
    assert refuses(send, ann, ann)


def test_who_was_written_to_can_answer_also_when_the_writer_takes_no_messages_until_they_delete_the_talk(
    ann: User, fan: User, send: Send
) -> None:
    send(ann, fan)
    actions.prefer(user=ann, takes_messages=False, takes_buzzes=True)
    assert send(fan, ann, "thanks"), "ann does not follow bob"
    Follow.objects.all().delete()
    assert send(fan, ann, "and bye")
    assert send(ann, fan, "bye"), "bob wrote, too"
    actions.delete_conversation(owner=ann, other=fan, newest=2**60)
    assert refuses(send, fan, ann)
    assert send(ann, fan, "one thing more"), "bob still has the conversation"
    assert send(fan, ann)
    newest = queries.newest(ann, fan)
    assert newest
    actions.delete_conversation(owner=ann, other=fan, newest=newest.pk - 1)
    assert refuses(send, fan, ann), "what came later stays, and the talk has ended all the same"


def test_nobody_means_nobody_but_those_one_writes_to(ann: User, fan: User, send: Send) -> None:
    actions.prefer(user=fan, takes_messages=False, takes_buzzes=True)
    assert refuses(send, ann, fan)
    actions.prefer(user=fan, takes_messages=True, takes_buzzes=True)
    assert send(ann, fan)
    actions.prefer(user=fan, takes_messages=False, takes_buzzes=True)
    assert refuses(send, ann, fan), "bob did not answer"


@pytest.mark.parametrize("ways", [("ann", "bob"), ("bob", "ann")])
def test_a_block_ends_it_both_ways_and_what_was_said_stays(
    ann: User, fan: User, send: Send, ways: tuple[str, str]
) -> None:
    send(ann, fan)
    send(fan, ann)
    people = {"ann": ann, "bob": fan}
    Block.objects.create(blocker=people[ways[0]], blocked=people[ways[1]])
    assert refuses(send, ann, fan)
    assert refuses(send, fan, ann)
    assert len(texts(ann, fan)) == 2


def test_who_is_muted_can_write_and_makes_no_noise(ann: User, fan: User, send: Send) -> None:
    Mute.objects.create(muter=fan, muted=ann)
    assert send(ann, fan)
    assert texts(fan, ann) == ["tea?"]
    assert not is_marked(fan)


def test_a_person_who_is_switched_off_is_hidden_takes_nothing_and_marks_nothing(
    client: Client, ann: User, fan: User, send: Send
) -> None:
    send(ann, fan)
    assert is_marked(fan)
    accounts.switch_off(people=[ann], by=None)
    assert refuses(send, fan, ann)
    assert not is_marked(fan)
    client.force_login(fan)
    assert "@ann" not in client.get("/messages/").content.decode()
    assert client.get("/messages/ann/").status_code == 404
    accounts.switch_on(people=[ann], by=None)
    assert is_marked(fan)
    assert "tea?" in client.get("/messages/").content.decode()


def test_messages_go_with_either_person(ann: User, fan: User, send: Send) -> None:
    send(ann, fan)
    send(fan, ann)
    User.objects.get(pk=ann.pk).delete()
    assert not Message.objects.exists()
    assert not Side.objects.exists()


def test_the_page_says_kindly_why_one_cannot_write_and_has_a_form_where_one_can(
    client: Client, ann: User, bob: User
) -> None:
    def says(why: str, *, form: bool = False) -> None:
        page = client.get("/messages/bob/").content.decode()
        assert why in page
        assert ('action="/messages/bob/"' in page) is form

    client.force_login(ann)
    says("doesn't, yet")
    Follow.objects.create(follower=bob, followee=ann)
    says("only bob reads this", form=True)
    actions.prefer(user=bob, takes_messages=False, takes_buzzes=True)
    says("takes no messages just now")
    Block.objects.create(blocker=bob, blocked=ann)
    says("can't write to each other")
    assert client.get("/messages/ann/").status_code == 404


def test_a_message_that_is_refused_comes_back_whole(client: Client, ann: User, bob: User) -> None:
    client.force_login(ann)
    answer = client.post("/messages/bob/", {"text": "a long thought"})
    assert answer.status_code == 409
    assert "a long thought" in answer.content.decode()

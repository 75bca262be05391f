"""One notice of messages until they are read; who is buzzed, when, and by whom."""

import datetime
import uuid
from collections.abc import Callable
from functools import partial

import pytest
from allauth.account.models import EmailAddress
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.graph.models import Block, Follow, Mute
from apps.kwips import actions as kwips
from apps.kwips.models import Kwip
from apps.messages import actions, queries
from apps.messages.models import Buzz
from apps.messages.tests.conftest import Send, fan, send, while_the_first_is_open
from apps.notifications.mail.tests.conftest import mail_at_once, outgoing, part, queued
from apps.notifications.models import Notice
from tests.support.concurrency import at_once

__all__ = ["fan", "queued", "send"]

pytestmark = pytest.mark.django_db(transaction=True)

type Publish = Callable[..., Kwip]
DAYS_AGO = timezone.now() - datetime.timedelta(days=3)


@pytest.fixture
def silent(fan: User) -> User:
    """bob, who follows ann and joined three days ago."""
    User.objects.filter(pk=fan.pk).update(joined_at=DAYS_AGO)
    return fan


def notices(person: User) -> list[tuple[str, bool]]:
    return list(Notice.objects.filter(recipient=person).values_list("kind", "is_unseen"))


def is_buzzed(buzzer: User, person: User) -> bool:
    """Whether a buzz arrives; what is refused leaves no row and no notice."""
    before = Notice.objects.filter(kind="buzz").values_list("pk", flat=True)
    ids, buzzes = list(before), list(Buzz.objects.values_list())
    reach = queries.reach(buzzer.pk, person.pk)
    try:
        actions.buzz(buzzer=buzzer, buzzed=person)
    except actions.CannotBuzz:
        assert reach is None or not reach.may_buzz, "no button that is refused"
        assert list(before.all()) == ids
        assert list(Buzz.objects.values_list()) == buzzes
        return False
    assert reach
    assert reach.may_buzz
    return True


def test_one_is_notified_once_until_one_has_read(client: Client, ann: User, fan: User, send: Send) -> None:
    client.force_login(fan)
    for _ in range(3):
        send(ann, fan, "canary7393")
    assert notices(fan) == [("message", True)]
    page = client.get("/notifications/").content.decode()
    assert "wrote to you" in page
    assert "/messages/ann/" in page
    assert "canary7393" not in page
    send(ann, fan)
    assert notices(fan) == [("message", False)], "seen, and not read"
    client.get("/messages/ann/")
    send(ann, fan)
    assert notices(fan) == [("message", True)]
    client.get("/messages/ann/")
    assert notices(fan) == [("message", False)], "read"
    assert notices(ann) == []


def test_the_mail_says_who_wrote_and_where_not_what_and_once_until_one_has_read(
    client: Client, ann: User, fan: User, send: Send
) -> None:
    EmailAddress.objects.create(user=fan, email=fan.email, verified=True, primary=True)
    client.force_login(fan)
    for number in (1, 2):
        for _ in range(2):
            send(ann, fan, "canary7393")
            mail_at_once()
        client.get("/notifications/")
        assert len(outgoing()) == number
        client.get("/messages/ann/")
    for kind in ("plain", "html"):
        body = part(outgoing()[0], kind)
        assert "wrote to you" in body
        assert "/messages/ann/" in body
    assert "canary7393" not in "".join(mail.as_string() for mail in outgoing())


def test_who_is_muted_makes_no_noise(ann: User, fan: User, send: Send) -> None:
    Mute.objects.create(muter=fan, muted=ann)
    send(ann, fan)
    assert notices(fan) == []


def test_a_conversation_that_is_deleted_takes_its_notice_along(
    client: Client, ann: User, fan: User, send: Send
) -> None:
    client.force_login(fan)
    send(ann, fan)
    actions.delete_conversation(owner=fan, other=ann, newest=2**60)
    assert 'class="has-news"' not in client.get("/about/").content.decode()
    assert "wrote to you" not in client.get("/notifications/").content.decode()


def test_a_person_who_is_silent_is_buzzed_once_a_day(client: Client, ann: User, silent: User) -> None:
    assert is_buzzed(ann, silent)
    assert not is_buzzed(ann, silent)
    assert notices(silent) == [("buzz", True)]
    client.force_login(silent)
    page = client.get("/notifications/").content.decode()
    assert "miss your kwips :P" in page
    assert 'href="/settings/messages/"' in page
    assert notices(silent) == [("buzz", False)]
    Buzz.objects.update(buzzed_at=timezone.now() - datetime.timedelta(hours=23, minutes=59))
    assert not is_buzzed(ann, silent)
    Buzz.objects.update(buzzed_at=timezone.now() - datetime.timedelta(hours=24, minutes=1))
    assert is_buzzed(ann, silent)
    assert notices(silent) == [("buzz", True)]


def test_fifty_clicks_at_once_are_one_buzz(ann: User, silent: User) -> None:
    def click() -> bool:
        client = Client()
        client.force_login(ann)
        assert client.post("/bob/buzz/")["Location"] == "/bob/"
        return True

    at_once([click] * 50)
    assert notices(silent) == [("buzz", True)]
    assert Buzz.objects.count() == 1
    told = Notice.objects.get().pk
    at_once([partial(is_buzzed_quietly, ann, silent)] * 50)
    assert Notice.objects.get().pk == told


def test_a_click_that_comes_while_another_is_stored_is_no_buzz(ann: User, silent: User) -> None:
    click = partial(actions.buzz, buzzer=ann, buzzed=silent)
    while_the_first_is_open(click, partial(is_buzzed_quietly, ann, silent))
    assert notices(silent) == [("buzz", True)]
    Buzz.objects.update(buzzed_at=DAYS_AGO)
    while_the_first_is_open(click, partial(is_buzzed_quietly, ann, silent))
    assert len(notices(silent)) == 1


def is_buzzed_quietly(buzzer: User, person: User) -> None:
    with pytest.raises(actions.CannotBuzz):
        actions.buzz(buzzer=buzzer, buzzed=person)


def follows_no_more(ann: User, bob: User) -> None:
    Follow.objects.all().delete()


def is_new(ann: User, bob: User) -> None:
    User.objects.update(joined_at=timezone.now() - datetime.timedelta(days=1))


def kwips_just_now(ann: User, bob: User) -> None:
    kwips.publish(author=bob, text="tea", form_key=uuid.uuid4())


def comments_just_now(ann: User, bob: User) -> None:
    kwip = kwips.publish(author=ann, text="tea", form_key=uuid.uuid4()).kwip
    kwips.comment(author=bob, thread=kwip, text="milk", form_key=uuid.uuid4())


def takes_none(ann: User, bob: User) -> None:
    actions.prefer(user=bob, takes_messages=True, takes_buzzes=False)


def blocks(ann: User, bob: User) -> None:
    Block.objects.create(blocker=bob, blocked=ann)


def is_blocked(ann: User, bob: User) -> None:
    Block.objects.create(blocker=ann, blocked=bob)


def is_off(ann: User, bob: User) -> None:
    User.objects.filter(pk=bob.pk).update(is_active=False)


REASONS = [
    (follows_no_more, "people who follow you"),
    (is_new, "said something just lately"),
    (kwips_just_now, "said something just lately"),
    (comments_just_now, "said something just lately"),
    (takes_none, "takes no buzzes"),
    (blocks, "people who follow you"),
    (is_blocked, "people who follow you"),
]


@pytest.mark.parametrize(("change", "why"), REASONS, ids=[change.__name__ for change, _ in REASONS])
def test_no_one_else_is_buzzed_and_the_reason_is_kind(
    client: Client, ann: User, silent: User, change: Callable[[User, User], None], why: str
) -> None:
    client.force_login(ann)
    assert 'action="/bob/buzz/"' in client.get("/bob/").content.decode()
    change(ann, silent)
    assert not is_buzzed(ann, silent)
    assert 'action="/bob/buzz/"' not in client.get("/bob/").content.decode()
    assert why in client.post("/bob/buzz/", follow=True).content.decode()
    assert notices(silent) in ([], [("message", True)])


def test_one_buzzes_neither_oneself_nor_who_is_off(client: Client, ann: User, silent: User) -> None:
    assert not is_buzzed(ann, ann)
    client.force_login(ann)
    assert "yourself" in client.post("/ann/buzz/", follow=True).content.decode()
    is_off(ann, silent)
    assert not is_buzzed(ann, silent)
    assert client.post("/bob/buzz/").status_code == 404
    assert client.get("/bob/buzz/").status_code == 405


def test_what_one_may_not_see_does_not_hide_the_button(ann: User, silent: User) -> None:
    kwips.publish(author=silent, text="hush", form_key=uuid.uuid4(), followers_only=True)
    assert is_buzzed(ann, silent)
    Buzz.objects.all().delete()
    Follow.objects.create(follower=ann, followee=silent)
    assert not is_buzzed(ann, silent), "a follower sees it"


def test_an_old_kwip_leaves_one_silent(ann: User, silent: User, publish: Publish) -> None:
    kwip = publish(silent)
    Kwip.objects.filter(pk=kwip.pk).update(created_at=timezone.now() - datetime.timedelta(hours=47))
    assert not is_buzzed(ann, silent)
    Kwip.objects.filter(pk=kwip.pk).update(created_at=timezone.now() - datetime.timedelta(hours=49))
    assert is_buzzed(ann, silent)


def test_a_buzz_of_someone_who_is_muted_is_not_heard(ann: User, silent: User) -> None:
    Mute.objects.create(muter=silent, muted=ann)
    assert is_buzzed(ann, silent), "ann does not learn of it"
    assert notices(silent) == []


def test_buzzes_have_a_limit(client: Client, ann: User, silent: User, settings) -> None:
    settings.LIMITS = settings.LIMITS | {"buzz": "1/1h"}
    client.force_login(ann)
    assert client.post("/bob/buzz/").status_code == 302
    assert client.post("/bob/buzz/").status_code == 429

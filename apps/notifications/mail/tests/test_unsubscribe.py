"""The links of a mail: one click, signed out, without a CSRF token, as often as one likes."""

import re
from collections.abc import Callable

import pytest
from django.test import Client

from apps.accounts.models import User
from apps.commandqueue.models import Command
from apps.graph import actions as graph
from apps.kwips import actions
from apps.kwips.models import Kwip, Track
from apps.notifications import preferences
from apps.notifications.mail.tests.conftest import (
    Write,
    addressed,
    choose,
    mail_at_once,
    outgoing,
    part,
    send_digests,
)
from apps.notifications.mail.unsubscribe import Subscription
from apps.notifications.models import Notice, Preferences

pytestmark = pytest.mark.django_db(transaction=True)

ONE_CLICK = {"List-Unsubscribe": "One-Click"}


def path_of(url: str) -> str:
    found = re.fullmatch(r"<?http://localhost:8000(/notifications/stop/[-:\w]+/)>?", url)
    assert found
    return found[1]


@pytest.fixture
def mail_program() -> Client:
    """No cookies, no session, and CSRF is checked."""
    return Client(enforce_csrf_checks=True)


def test_the_header_of_a_conversation_ends_its_mail_and_no_other(
    mail_program: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    choose(ann, mention="mail")
    kwip, other = publish(ann), publish(ann)
    comment(bob, kwip)
    mail_at_once()
    [mail] = outgoing()
    Command.objects.all().delete()
    path = path_of(mail["List-Unsubscribe"])
    for _ in range(3):
        answer = mail_program.post(path, ONE_CLICK)
        assert answer.status_code == 200
        assert not answer.cookies
    assert Track.objects.get(kwip=kwip, user=ann).is_on is False
    Notice.objects.all().delete()
    comment(bob, kwip, "hm")
    comment(bob, kwip, "@ann!")
    assert mail_at_once() == 0
    assert Notice.objects.filter(recipient=ann, kind="mention").count() == 1, "on the site it stays"
    comment(bob, other)
    assert mail_at_once() == 1
    assert addressed() == ["ann"]


def test_the_link_of_a_kind_ends_its_mail_and_leaves_it_on_the_site(
    mail_program: Client, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    mail_at_once()
    [mail] = outgoing()
    links = re.findall(r"http://localhost:8000/notifications/stop/\S+", part(mail))
    assert len(links) == 2
    assert mail_program.post(path_of(links[1]), ONE_CLICK).status_code == 200
    assert Preferences.objects.get(user=ann).channels == {"comment": "site"}
    comment(bob, publish(ann))
    assert mail_at_once() == 0
    assert Notice.objects.filter(recipient=ann, kind="comment").count() == 2


def test_a_kind_without_a_conversation_has_its_own_link_in_the_header(
    mail_program: Client, ann: User, bob: User
) -> None:
    choose(ann, follow="mail", comment="none")
    graph.follow(follower=bob, followee=ann)
    mail_at_once()
    [mail] = outgoing()
    assert mail_program.post(path_of(mail["List-Unsubscribe"])).status_code == 200
    assert Preferences.objects.get(user=ann).channels == {"follow": "site", "comment": "none"}


def test_the_link_of_a_digest_ends_digests(mail_program: Client, ann: User, bob: User, cee: User) -> None:
    graph.follow(follower=bob, followee=ann)
    send_digests()
    [mail] = outgoing()
    assert mail_program.post(path_of(mail["List-Unsubscribe"]), ONE_CLICK).status_code == 200
    graph.follow(follower=cee, followee=ann)
    assert send_digests() == 0
    assert Notice.objects.filter(recipient=ann).count() == 2


def test_opening_a_link_asks_and_changes_nothing(
    mail_program: Client, ann: User, bob: User, publish: Write
) -> None:
    kwip = publish(ann)
    for subscription in (
        Subscription(ann.pk, kwip_id=kwip.pk), Subscription(ann.pk, kind="comment"), Subscription(ann.pk),
    ):  # fmt: skip
        path = path_of(subscription.url)
        for method in (mail_program.get, mail_program.head):
            answer = method(path)
            assert answer.status_code == 200
            assert "no-store" in answer["Cache-Control"]
        page = mail_program.get(path).content.decode()
        assert '<form method="post">' in page
        assert "csrfmiddlewaretoken" not in page
        assert "noindex" in page
        assert "canonical" not in page
        assert mail_program.put(path).status_code == 405
    assert not Track.objects.exists()
    assert not Preferences.objects.exists()


def test_a_link_never_wants_more_than_it_says(mail_program: Client, ann: User, bob: User) -> None:
    """A channel that is lower already stays, and what is gone is no error."""
    choose(ann, comment="none")
    assert mail_program.post(path_of(Subscription(ann.pk, kind="comment").url)).status_code == 200
    assert preferences.of(ann).channels == {"comment": "none"}
    for gone in (
        Subscription(ann.pk, kwip_id=12345), Subscription(ann.pk, kind="of_the_past"),
        Subscription(987654), Subscription(987654, kwip_id=1), Subscription(987654, kind="comment"),
    ):  # fmt: skip
        for act in (mail_program.get, mail_program.post):
            assert act(path_of(gone.url)).status_code == 200
    assert not Preferences.objects.exclude(user=ann).exists()


def test_a_forged_link_is_none(mail_program: Client, ann: User, bob: User, publish: Write) -> None:
    path = path_of(Subscription(ann.pk, kind="comment").url)
    other = path_of(Subscription(bob.pk, kind="comment").url)
    token, others = (link.split("/")[-2].split(":") for link in (path, other))
    forged = (f"{others[0]}:{token[1]}", f"{token[0]}:{token[1][:-1]}", token[0], "x", ":", f"{token[0]}:")
    for one in forged:
        for act in (mail_program.get, mail_program.post):
            assert act(f"/notifications/stop/{one}/").status_code == 404
    assert not Preferences.objects.exists()


def test_a_conversation_that_was_deleted_is_no_error(
    mail_program: Client, ann: User, publish: Write, comment: Callable[..., Kwip]
) -> None:
    kwip = publish(ann)
    path = path_of(Subscription(ann.pk, kwip_id=kwip.pk).url)
    actions.delete(kwip=kwip)
    assert mail_program.post(path).status_code == 200

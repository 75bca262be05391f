"""Addresses that are refused three times in a row get no notices, and their owner sees why."""

from collections.abc import Callable
from html import unescape

import pytest
from allauth.account.models import EmailAddress
from django.test import Client

from apps.accounts.models import User
from apps.commandqueue.models import Command, Kind, State
from apps.commandqueue.tests.conftest import work
from apps.commandqueue.tests.smtpserver import Server
from apps.notifications.mail.tests.conftest import Write, mail_at_once, send_digests
from apps.notifications.models import Notice, Preferences

pytestmark = pytest.mark.django_db(transaction=True)

REPLY = "550 5.1.1 no <such> person here"
PAGES = ("/notifications/", "/settings/notices/")


@pytest.fixture
def mail(
    mail_server: Server, ann: User, bob: User, publish: Write, comment: Write
) -> Callable[..., Command | None]:
    """Mails ann of an answer; the server replies. Returns the command, None if there is no mail."""

    def _mail(reply: str = "", stage: str = "RCPT") -> Command | None:
        mail_server.reset()
        before = Command.objects.filter(kind=Kind.MAIL).count()
        if reply:
            mail_server.fail(stage, reply, times=9)
        comment(bob, publish(ann), "canary words")
        work()
        mail_server.reset()
        rows = Command.objects.filter(kind=Kind.MAIL).order_by("pk")
        return rows.last() if rows.count() > before else None

    return _mail


def refusals() -> int:
    return Preferences.objects.values_list("refusals", flat=True).first() or 0


@pytest.mark.parametrize("stage", ["RCPT", "FINAL"])
def test_three_refusals_in_a_row_end_the_mail_and_the_owner_sees_why(
    mail: Callable[..., Command | None], ann: User, client: Client, stage: str
) -> None:
    client.force_login(ann)
    for number in (1, 2, 3):
        for path in PAGES:
            assert "no such person" not in client.get(path).content.decode()
        command = mail(REPLY, stage)
        assert command
        assert command.state == State.DEAD
        assert refusals() == number
    assert mail() is None
    for path in PAGES:
        assert REPLY in unescape(client.get(path).content.decode())
    assert Notice.objects.filter(recipient=ann).count() == 4, "on the site all are there"


def test_a_success_begins_the_count_anew(mail: Callable[..., Command | None]) -> None:
    for reply in (REPLY, REPLY, "", REPLY, REPLY):
        assert mail(reply)
    assert refusals() == 2
    assert mail()
    assert refusals() == 0


@pytest.mark.parametrize(
    ("reply", "stage"), [("450 full", "RCPT"), ("451 later", "FINAL"), ("554 you?", "MAIL")]
)
def test_what_passes_or_is_the_sites_own_fault_does_not_count(
    mail: Callable[..., Command | None], reply: str, stage: str
) -> None:
    for _ in range(4):
        assert mail(reply, stage)
    assert refusals() == 0


def test_one_click_tries_again(mail: Callable[..., Command | None], ann: User, client: Client) -> None:
    client.force_login(ann)
    for _ in range(3):
        mail(REPLY)
    answer = client.post("/settings/notices/try-again/")
    assert answer["Location"] == "/settings/notices/"
    for path in PAGES:
        assert REPLY not in unescape(client.get(path).content.decode())
    command = mail()
    assert command
    assert command.state == State.DONE
    assert Client().post("/settings/notices/try-again/").status_code == 403


def test_another_address_is_not_to_blame(mail: Callable[..., Command | None], ann: User) -> None:
    for _ in range(3):
        mail(REPLY)
    User.objects.filter(pk=ann.pk).update(email="ann@example.net")
    EmailAddress.objects.filter(user=ann).update(email="ann@example.net")
    command = mail()
    assert command
    assert command.recipients == ["ann@example.net"]


def test_a_refusal_of_the_former_address_does_not_count(
    mail_server: Server, ann: User, bob: User, publish: Write, comment: Write
) -> None:
    comment(bob, publish(ann))
    assert mail_at_once() == 1
    User.objects.filter(pk=ann.pk).update(email="ann@example.net")
    EmailAddress.objects.filter(user=ann).update(email="ann@example.net")
    mail_server.fail("RCPT", REPLY)
    work()
    assert Command.objects.get(kind=Kind.MAIL).state == State.DEAD
    assert refusals() == 0


def test_digests_count_and_stop_too(mail_server: Server, ann: User, bob: User, publish: Write) -> None:
    mail_server.fail("RCPT", REPLY, times=9)
    for number in (1, 2, 3):
        publish(bob, "@ann")
        assert send_digests() == 1
        work()
        assert refusals() == number
    publish(bob, "@ann")
    assert send_digests() == 0
    assert not Notice.objects.filter(channel="digest").exists()


def test_mail_of_the_account_is_not_affected(
    mail: Callable[..., Command | None], mail_server: Server, ann: User
) -> None:
    for _ in range(3):
        mail(REPLY)
    mail_server.reset()
    client = Client()
    client.post("/accounts/password/reset/", {"email": "ann@example.org"})
    work()
    assert len(mail_server.accepted) == 1
    assert refusals() == 3, "its success says nothing about notices"


def test_a_long_reply_is_stored_shortened(mail: Callable[..., Command | None]) -> None:
    mail("550 " + "x" * 400)
    assert len(Preferences.objects.get().refused_reply) <= 200

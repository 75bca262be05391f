"""The hooks of delivery: what the server answered is reported, an unwanted message is not sent."""

import pytest

from apps.commandqueue.mail import hooks
from apps.commandqueue.mail.hooks import Answer
from apps.commandqueue.models import State
from apps.commandqueue.tests.conftest import send, work, work_until_finished
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)

BOB, CEE, DAN = "bob@example.org", "cee@example.org", "dan@example.org"


@pytest.fixture
def answers(monkeypatch: pytest.MonkeyPatch) -> list[Answer]:
    heard: list[Answer] = []
    monkeypatch.setattr(hooks, "on_answer", [heard.append])
    return heard


def test_a_message_that_was_sent_reports_its_recipients(mail_server: Server, answers: list[Answer]) -> None:
    command = work_until_finished(send([BOB, CEE]))
    assert answers == [Answer(command.message_id, [BOB, CEE], {})]


@pytest.mark.parametrize("stage", ["RCPT", "FINAL"])
def test_a_refusal_for_good_is_reported_with_its_reply(
    mail_server: Server, answers: list[Answer], stage: str
) -> None:
    mail_server.fail(stage, "550 no such person")
    command = work_until_finished(send())
    assert command.state == State.DEAD
    assert answers == [Answer(command.message_id, [], {BOB: "550 no such person"})]


@pytest.mark.parametrize("stage", ["GREETING", "MAIL"])
def test_a_refusal_of_the_site_is_nobodys_address_at_fault(
    mail_server: Server, answers: list[Answer], stage: str
) -> None:
    mail_server.fail(stage, "554 not from you")
    send()
    work()
    assert answers == []


def test_what_is_put_off_is_not_reported_until_it_is_answered(
    mail_server: Server, answers: list[Answer]
) -> None:
    mail_server.fail(BOB, "450 not now")
    mail_server.fail(CEE, "550 no such person")
    command = work_until_finished(send([BOB, CEE, DAN]))
    assert answers == [
        Answer(command.message_id, [DAN], {CEE: "550 no such person"}),
        Answer(command.message_id, [BOB], {}),
    ]


def test_a_hook_that_fails_does_not_send_a_message_twice(
    mail_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hooks, "on_answer", [lambda answer: 1 / 0])
    assert work_until_finished(send()).state == State.DONE
    assert len(mail_server.accepted) == 1


def test_a_message_that_is_no_longer_wanted_is_discarded_without_its_body(
    mail_server: Server, answers: list[Answer], monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted, unwanted = send(), send()
    monkeypatch.setattr(hooks, "before_delivery", [lambda message_id: message_id == wanted.message_id])
    assert work_until_finished(wanted).state == State.DONE
    unwanted.refresh_from_db()
    assert (unwanted.state, unwanted.body, unwanted.errors) == (State.DISCARDED, None, [])
    assert mail_server.message_ids() == [wanted.message_id]
    assert len(answers) == 1


def test_a_message_waits_while_it_is_unknown_whether_it_is_wanted(
    mail_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(message_id: str) -> bool:
        raise RuntimeError

    monkeypatch.setattr(hooks, "before_delivery", [unknown])
    command = send()
    work()
    command.refresh_from_db()
    assert command.state == State.WAITING
    monkeypatch.setattr(hooks, "before_delivery", [])
    assert work_until_finished(command).state == State.DONE

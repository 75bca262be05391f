"""What goes into the queue when mail is sent, and what comes out."""

import datetime
from email import message_from_bytes, policy
from email.message import EmailMessage as ParsedMessage
from typing import Any

import pytest
from django.core.mail import (
    EmailMessage,
    EmailMultiAlternatives,
    InvalidMailer,
    mailers,
    send_mail,
    send_mass_mail,
)
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.commandqueue.mail.rendering import set_queue_options
from apps.commandqueue.models import Command, Queue, State
from apps.commandqueue.tests.conftest import send, work, work_until_finished
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)


def arrived(mail_server: Server) -> ParsedMessage:
    """The only message that arrived, parsed."""
    work()
    [envelope] = mail_server.accepted
    assert envelope.original_content is not None
    return message_from_bytes(envelope.original_content.replace(b"\r\n", b"\n"), policy=policy.default)


def test_everything_in_a_message_survives(mail_server: Server) -> None:
    message = EmailMultiAlternatives(
        "käse & tea",
        "plain käse\n.dot\nFrom here",
        "Ann <ann@example.org>",
        ["Bob <bob@example.org>"],
        cc=["carol@example.org"],
        bcc=["dave@example.org"],
        reply_to=["reply@example.org"],
        headers={"X-Kettle": "on", "List-Unsubscribe": "<https://example.org/u>"},
    )
    message.attach_alternative("<p>käse</p>", "text/html")
    message.attach("data.bin", bytes(range(256)), "application/octet-stream")
    message.attach("notes.txt", "zwölf\n", "text/plain")
    message.send()
    parsed = arrived(mail_server)
    assert parsed["Subject"] == "käse & tea"
    assert parsed["From"] == "Ann <ann@example.org>"
    assert (parsed["To"], parsed["Cc"]) == ("Bob <bob@example.org>", "carol@example.org")
    assert (parsed["Reply-To"], parsed["X-Kettle"]) == ("reply@example.org", "on")
    assert parsed["List-Unsubscribe"] == "<https://example.org/u>"
    plain, html = parsed.get_body(("plain",)), parsed.get_body(("html",))
    assert plain is not None
    assert html is not None
    assert plain.get_content() == "plain käse\n.dot\nFrom here\n"
    assert html.get_content() == "<p>käse</p>\n"
    assert [part.get_content() for part in parsed.iter_attachments()] == [bytes(range(256)), "zwölf\n"]
    assert mail_server.accepted[0].mail_from == "ann@example.org"
    assert mail_server.accepted[0].rcpt_tos == ["bob@example.org", "carol@example.org", "dave@example.org"]


def test_bcc_is_in_the_envelope_and_nowhere_else(mail_server: Server) -> None:
    send(bcc=["secret@example.org"])
    work()
    assert "secret@example.org" in mail_server.accepted[0].rcpt_tos
    assert b"secret@example.org" not in (mail_server.accepted[0].original_content or b"")


def test_a_message_is_rendered_when_it_is_sent_and_never_again(mail_server: Server) -> None:
    command = send()
    body = bytes(command.body or b"")
    assert mail_server.accepted == []
    work()
    assert mail_server.accepted[0].original_content == body
    assert mail_server.message_ids() == [command.message_id]


def test_what_is_stored_is_seven_bits_and_ends_its_lines_as_the_wire_wants_it(mail_server: Server) -> None:
    command = send(attachments=[("lines", "a\rb\nc\r\nd", "text/plain"), ("käse", b"\r\x00\n\xff", "x/y")])
    body = bytes(command.body or b"")
    assert body.isascii()
    assert b"\n" not in body.replace(b"\r\n", b"")
    assert b"\r" not in body.replace(b"\r\n", b"")


def test_the_message_id_names_the_senders_domain_and_not_this_machine(mail_server: Server) -> None:
    assert send().message_id.endswith("@example.org>")
    assert send(headers={"Message-ID": "<mine@example.org>"}).message_id == "<mine@example.org>"


def test_domains_in_other_scripts_are_encoded(mail_server: Server) -> None:
    command = send("bob@käse.example")
    assert command.recipients == ["bob@xn--kse-qla.example"]
    assert work_until_finished(command).state == State.DONE


@pytest.mark.parametrize(
    "fields",
    [
        {"subject": "tea\nBcc: all@example.org"},
        {"subject": "tea\r\nX: y"},
        {"from_email": "ann@example.org\nX: y"},
        {"to": ["bob@example.org\r\nRCPT TO:<eve@example.org>"]},
        {"to": ["bob@example.org>\r\nDATA"]},
        {"headers": {"X-Kettle": "on\nX: y"}},
        {"headers": {"Bcc": "all@example.org"}},
    ],
)
def test_what_would_smuggle_a_header_or_a_command_is_refused_at_once(
    mail_server: Server, fields: dict[str, Any]
) -> None:
    message: dict[str, Any] = {"subject": "tea", "body": "", "to": ["bob@example.org"]} | fields
    with pytest.raises(ValueError, match=r".+"):
        EmailMessage(**message).send()
    assert not Command.objects.exists()


def test_one_impossible_message_keeps_a_whole_lot_out(mail_server: Server) -> None:
    with pytest.raises(ValueError, match=r".+"):
        mailers.default.send_messages(
            [EmailMessage("tea", to=["a@example.org"]), EmailMessage("t\nea", to=["b@example.org"])]
        )
    assert not Command.objects.exists()


def test_mail_to_nobody_is_no_command(mail_server: Server) -> None:
    assert mailers.default.send_messages([EmailMessage("tea", "")]) == 0
    assert not Command.objects.exists()


def test_a_rolled_back_transaction_sends_nothing(mail_server: Server) -> None:
    for _ in range(3):
        with transaction.atomic():
            send()
            transaction.set_rollback(True)
    with transaction.atomic():
        kept = send()
        work()
        assert mail_server.accepted == []
    work()
    assert mail_server.message_ids() == [kept.message_id]


def test_many_messages_take_few_statements_and_keep_their_order(mail_server: Server) -> None:
    messages = [("tea?", "now", "ann@example.org", [f"{place}@example.org"]) for place in range(250)]
    with CaptureQueriesContext(connection) as queries:
        assert send_mass_mail(messages) == 250
    assert len(queries) == 3
    work()
    assert [envelope.rcpt_tos for envelope in mail_server.accepted] == [
        [f"{n}@example.org"] for n in range(250)
    ]


def test_sending_is_one_statement(mail_server: Server, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(1):
        send_mail("tea?", "now", "ann@example.org", ["bob@example.org"])


def test_the_body_is_erased_when_the_message_is_delivered(mail_server: Server) -> None:
    command = work_until_finished(send())
    assert command.state == State.DONE
    assert command.body is None


def test_a_dead_letter_keeps_its_body_and_goes_again_when_it_is_requeued(mail_server: Server) -> None:
    from apps.commandqueue.operate import actions

    mail_server.fail("RCPT", "550 no such person")
    command = work_until_finished(send())
    assert command.state == State.DEAD
    assert command.body is not None
    assert actions.requeue(ids=[command.pk]) == 1
    assert work_until_finished(command).state == State.DONE
    assert mail_server.message_ids() == [command.message_id]


def test_what_expires_undelivered_is_a_dead_letter_without_its_body(mail_server: Server) -> None:
    from apps.commandqueue.operate import actions

    command = send()
    age(command, hours=49)
    work()
    command.refresh_from_db()
    assert command.state == State.DEAD
    assert command.errors[-1]["reason"] == "expired"
    assert command.body is None
    assert actions.requeue() == 0
    assert mail_server.accepted == []


def test_a_dead_letters_body_is_erased_when_it_expires(mail_server: Server) -> None:
    mail_server.fail("RCPT", "550 no such person")
    command = work_until_finished(send())
    age(command, hours=49)
    work()
    command.refresh_from_db()
    assert command.body is None


def test_a_try_that_would_come_after_the_expiry_is_not_waited_for(mail_server: Server) -> None:
    command = send()
    age(command, hours=47.9999)
    mail_server.fail("RCPT", "451 later", times=9)
    assert work_until_finished(command, rounds=9).state == State.DEAD
    assert command.errors[-1]["reason"] == "1 recipients deferred: 451 later"


def test_a_secret_is_erased_with_its_last_attempt_and_never_requeued(mail_server: Server) -> None:
    from apps.commandqueue.operate import actions

    message = EmailMessage("reset", "https://example.org/reset/KEY", "ann@example.org", ["bob@example.org"])
    set_queue_options(
        message, queue_name=Queue.NOW, secret=True, expires_after=datetime.timedelta(minutes=20)
    ).send()
    command = Command.objects.get()
    assert command.queue_name == Queue.NOW
    assert command.expires_at - command.created_at == datetime.timedelta(minutes=20)
    mail_server.fail("RCPT", "550 no such person")
    work()
    command.refresh_from_db()
    assert command.state == State.DEAD
    assert command.body is None
    assert actions.requeue() == 0


def test_a_secret_survives_being_put_off(mail_server: Server) -> None:
    set_queue_options(
        EmailMessage("reset", "KEY", "ann@example.org", ["bob@example.org"]), secret=True
    ).send()
    mail_server.fail("RCPT", "451 later")
    assert work_until_finished(Command.objects.get()).state == State.DONE


def test_a_queue_has_its_expiry_unless_the_message_has(mail_server: Server, settings: Any) -> None:
    settings.MAILERS["default"]["OPTIONS"]["expires_after"] = {"now": 60}
    for name, seconds in ((Queue.NOW, 60), (Queue.DEFAULT, 172_800)):
        set_queue_options(
            EmailMessage("tea", "", "ann@example.org", ["bob@example.org"]), queue_name=name
        ).send()
        command = Command.objects.latest("id")
        assert command.expires_at - command.due_at == datetime.timedelta(seconds=seconds)


def test_a_mailer_that_is_not_smtp_gets_the_same_bytes(outbox: list[EmailMessage]) -> None:
    command = send(["bob@example.org"], bcc=["carol@example.org"])
    body = bytes(command.body or b"")
    work()
    assert outbox[0].message().as_bytes() == body
    assert outbox[0].recipients() == ["bob@example.org", "carol@example.org"]


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"mailer": "default"},
        {"mailer": "nobody"},
        {"mailer": "direct", "queue_name": "fast"},
        {"mialer": "direct"},
    ],
)
def test_options_that_can_not_be_are_named(
    mail_server: Server, settings: Any, options: dict[str, Any]
) -> None:
    settings.MAILERS["default"]["OPTIONS"] = options
    with pytest.raises(InvalidMailer):
        send()


def age(command: Command, *, hours: float) -> None:
    """Make a command so much older."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commandqueue_command SET expires_at = expires_at - make_interval(secs => %s)"
            " WHERE id = %s",
            [hours * 3600, command.pk],
        )


def test_mail_whose_mailer_has_gone_from_the_settings_waits(mail_server: Server, settings: Any) -> None:
    first, second = send(), send()
    settings.MAILERS = {"default": settings.MAILERS["direct"]}
    work()
    for command in (first, second):
        command.refresh_from_db()
        assert command.state == State.WAITING
        assert "is not a QueueEmailBackend" in command.errors[-1]["reason"]

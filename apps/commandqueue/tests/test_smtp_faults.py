"""What arrives, how often and under which Message-ID when a mail server misbehaves in every way it can."""

import smtplib
import threading
from dataclasses import dataclass
from typing import Any

import pytest

from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.models import State
from apps.commandqueue.tests.conftest import (
    TORTURE,
    let_time_pass,
    mailers,
    send,
    work,
    work_until_finished,
    work_until_it_hangs,
)
from apps.commandqueue.tests.smtpserver import (
    ACCEPT_AND_DROP,
    ACCEPT_AND_HANG,
    DRIP,
    DROP,
    DROP_AFTER,
    HANG,
    STAGES,
    Server,
)

TIMES = 100 if TORTURE else 3


@dataclass(frozen=True)
class Fault:
    """One fault, once, and what becomes of a message that meets it."""

    stage: str
    how: str
    arrives: int = 1
    attempts: int = 2
    state: State = State.DONE

    def __str__(self) -> str:
        return f"{self.how} at {self.stage}"


PERMANENT: dict[str, Any] = {"arrives": 0, "attempts": 1, "state": State.DEAD}
FAULTS = [
    # No connection, or a refusal of it: the fault of the server, never of the message.
    Fault("GREETING", "421 too busy"),
    Fault("GREETING", "554 you are on a list"),
    # An old server: HELO will do.
    Fault("EHLO", "500 what?", attempts=1),
    *(Fault(stage, HANG) for stage in STAGES),
    *(Fault(stage, DROP) for stage in STAGES),
    *(Fault(stage, DRIP) for stage in ("EHLO", "MAIL", "RCPT", "FINAL")),
    *(Fault(stage, "451 greylisted: try later") for stage in ("MAIL", "RCPT", "DATA", "FINAL")),
    *(Fault(stage, "421 shutting down") for stage in ("MAIL", "RCPT", "DATA", "FINAL")),
    *(Fault(stage, "550 never", **PERMANENT) for stage in ("MAIL", "RCPT", "DATA", "FINAL")),
    # Accepted, and the answer is lost: the one duplicate that cannot be avoided.
    Fault("FINAL", ACCEPT_AND_DROP, arrives=2),
    Fault("FINAL", ACCEPT_AND_HANG, arrives=2),
    # Accepted, and the connection is gone for the next message.
    Fault("FINAL", DROP_AFTER, attempts=1),
]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_a_fault_neither_loses_nor_changes_a_message(mail_server: Server, fault: Fault) -> None:
    for time in range(TIMES):
        mail_server.reset()
        mail_server.pipelining = time % 2 == 0
        mail_server.fail(fault.stage, fault.how)
        command = send()
        if fault.how in (HANG, DRIP, ACCEPT_AND_HANG):
            work_until_it_hangs(mail_server)
            let_time_pass()
        command = work_until_finished(command)
        assert command.state == fault.state, command.errors
        assert mail_server.message_ids() == [command.message_id] * fault.arrives
        assert len(command.worker_ids) == fault.attempts
        assert len(command.errors) == (1 if fault.attempts > 1 or fault.state == State.DEAD else 0)


def test_a_server_that_is_absent_loses_nothing(mail_server: Server) -> None:
    for _ in range(TIMES):
        mail_server.reset()
        mail_server.stop()
        command = send()
        work()
        let_time_pass()
        work()
        command.refresh_from_db()
        assert command.state == State.WAITING
        assert "refused" in command.errors[-1]["reason"]
        mail_server.start()
        let_time_pass()
        assert work_until_finished(command).state == State.DONE
        assert mail_server.message_ids() == [command.message_id]


def test_a_server_that_is_out_of_reach_costs_a_batch_one_attempt(mail_server: Server) -> None:
    mail_server.stop()
    commands = [send() for _ in range(5)]
    work(options=WorkerOptions(), queues=["default"])
    for command in commands:
        command.refresh_from_db()
    assert sorted(len(command.worker_ids) for command in commands) == [0, 0, 0, 0, 1]
    assert {command.state for command in commands} == {State.WAITING}


def test_a_server_that_is_slow_to_accept_and_to_part_gets_no_duplicate(
    mail_server: Server, settings: Any
) -> None:
    settings.MAILERS = mailers(mail_server.port)
    settings.MAILERS["direct"]["OPTIONS"]["timeout"] = 0.5
    mail_server.fail("FINAL", HANG)
    mail_server.fail("QUIT", HANG)
    # It accepts after three times the time limit of a step.
    threading.Timer(1.5, mail_server.proceed).start()
    command = send()
    work()
    command.refresh_from_db()
    assert command.state == State.DONE, command.errors
    assert len(command.worker_ids) == 1
    let_time_pass()
    work()
    assert mail_server.message_ids() == [command.message_id]


def test_a_hung_dialogue_is_broken_off_before_its_lease_ends(mail_server: Server) -> None:
    """The one test that waits for a deadline: by itself it comes a good while before the lease ends."""
    options = WorkerOptions(lease=8)
    assert options.message_deadline <= options.lease - 2
    mail_server.fail("MAIL", HANG)
    command = send()
    work(options=options)
    command.refresh_from_db()
    assert command.state == State.WAITING
    # The lease was still ours, or the attempt could not have been settled.
    assert command.lost_attempts == 0


@pytest.fixture(params=["with pipelining", "without"])
def server(mail_server: Server, request: pytest.FixtureRequest) -> Server:
    mail_server.pipelining = request.param == "with pipelining"
    return mail_server


def test_one_recipient_put_off_is_tried_again_alone(server: Server) -> None:
    server.fail("carol@example.org", "451 greylisted")
    command = work_until_finished(send(["bob@example.org", "carol@example.org"]))
    assert command.state == State.DONE
    assert [envelope.rcpt_tos for envelope in server.accepted] == [["bob@example.org"], ["carol@example.org"]]
    assert server.message_ids() == [command.message_id] * 2


def test_one_recipient_refused_is_a_dead_letter_that_the_others_have_got(server: Server) -> None:
    server.fail("carol@example.org", "550 no such person")
    command = work_until_finished(send(["bob@example.org", "carol@example.org"]))
    assert command.state == State.DEAD
    assert command.recipients == ["carol@example.org"]
    assert command.refused == {"carol@example.org": "550 no such person"}
    assert [envelope.rcpt_tos for envelope in server.accepted] == [["bob@example.org"]]


def test_a_refusal_is_remembered_while_another_recipient_is_put_off(server: Server) -> None:
    server.fail("carol@example.org", "550 no such person")
    server.fail("dave@example.org", "450 mailbox busy")
    command = work_until_finished(send(["bob@example.org", "carol@example.org", "dave@example.org"]))
    assert command.state == State.DEAD
    assert command.recipients == ["carol@example.org"]
    assert [envelope.rcpt_tos for envelope in server.accepted] == [["bob@example.org"], ["dave@example.org"]]


def test_one_connection_carries_many_messages_and_is_opened_anew_after_a_hundred(mail_server: Server) -> None:
    for _ in range(120):
        send()
    work(queues=["default"])
    assert len(mail_server.accepted) == 120
    assert mail_server.connections == 2


def test_a_connection_that_has_gone_meanwhile_costs_no_attempt(mail_server: Server) -> None:
    mail_server.fail("MAIL", "")
    mail_server.fail("MAIL", DROP)
    first, second = send(), send()
    work(queues=["default"])
    for command in (first, second):
        command.refresh_from_db()
        assert command.state == State.DONE
        assert len(command.worker_ids) == 1
    assert mail_server.message_ids() == [first.message_id, second.message_id]
    assert mail_server.connections == 2


def test_a_wrong_password_waits_for_the_operator_instead_of_killing_mail(
    mail_server: Server, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **options: object) -> None:
        raise smtplib.SMTPAuthenticationError(535, b"wrong password")

    monkeypatch.setattr(smtplib.SMTP, "login", refuse)
    settings.MAILERS["direct"]["OPTIONS"] |= {"username": "kwippy", "password": "wrong"}
    command = send()
    work()
    command.refresh_from_db()
    assert command.state == State.WAITING
    assert "535 wrong password" in command.errors[-1]["reason"]


def test_a_line_that_begins_with_a_dot_arrives_as_it_was(mail_server: Server) -> None:
    command = send(headers={"X-Dots": "."})
    work()
    command = send(attachments=[("dots.txt", ".\n..\n.hidden\n", "text/plain")])
    work_until_finished(command)
    assert b"\r\n.\r\n..\r\n.hidden\r\n" in (mail_server.accepted[-1].original_content or b"")

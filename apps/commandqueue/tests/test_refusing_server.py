"""A mail server that refuses shows in the status, the admin, the metrics and the readiness."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models.functions import Now
from django.test import Client
from prometheus_client import generate_latest

from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command
from apps.commandqueue.operate import health, metrics
from apps.commandqueue.tests.conftest import figure, let_time_pass, said, send, work, work_until_finished
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)


LIST = "/admin/commandqueue/command/"


def refuse_connections(server: Server) -> None:
    server.stop()


def refuse_clients(server: Server) -> None:
    server.fail("GREETING", "554 go away", times=100)


def put_off_senders(server: Server) -> None:
    server.fail("MAIL", "451 not now <bob@example.org>", times=100)


def put_off_recipients(server: Server) -> None:
    server.fail("RCPT", "450 <bob@example.org>: not now", times=100)


REFUSALS: dict[Callable[[Server], None], str] = {
    refuse_connections: "refused",
    refuse_clients: "554 go away",
    put_off_senders: "451 not now <…@example.org>",
    put_off_recipients: "450 <…@example.org>: not now",
}


def make_older(command: Command, *, minutes: int) -> None:
    """The command was made so long ago; its next attempt is when it was."""
    Command.objects.filter(pk=command.pk).update(created_at=Now() - timedelta(minutes=minutes))


@pytest.mark.parametrize("refuse", REFUSALS)
def test_a_mail_server_that_refuses_is_seen_everywhere(
    mail_server: Server, operator: Client, refuse: Callable[[Server], None]
) -> None:
    refuse(mail_server)
    stuck = send()
    for _ in range(3):
        let_time_pass()
        work()
    make_older(stuck, minutes=30)
    Command.objects.filter(pk=stuck.pk).update(due_at=Now() + timedelta(minutes=10))

    status = said("status")
    assert "the oldest for 1,8" in status
    assert "1 stuck" in status
    line = next(line for line in status.splitlines() if line.split()[:1] == [str(stuck.pk)])
    assert "3 attempts, next in " in line
    assert REFUSALS[refuse] in line
    assert "bob@" not in status

    state = generate_latest(metrics.registry()).decode()
    assert 1_800 <= figure(state, 'commandqueue_oldest_seconds{queue="default"}') < 3_600
    assert figure(state, 'commandqueue_stuck{queue="default"}') == 1
    worker = Worker(queues=["default"])
    own = generate_latest(metrics.WORKER).decode()
    assert figure(own, 'commandqueue_mail_failures_in_a_row{backend="default"}') >= 3
    readiness = health.readiness(worker)
    assert readiness["mail"] is False
    assert REFUSALS[refuse] in str(readiness["mail default"])
    assert "bob@" not in str(readiness)

    # The filter leaves out those that wait for nothing but their turn.
    send(), send()
    listed = operator.get(f"{LIST}?stuck=yes").content.decode()
    assert set(re.findall(r"/admin/commandqueue/command/(\d+)/change/", listed)) == {str(stuck.pk)}

    if refuse is refuse_connections:
        mail_server.start()
    mail_server.reset()
    let_time_pass()
    work()
    assert "stuck" not in said("status")
    assert health.readiness(worker)["mail"] is True
    own = generate_latest(metrics.WORKER).decode()
    assert figure(own, 'commandqueue_mail_failures_in_a_row{backend="default"}') == 0


def test_a_refusal_for_good_says_nothing_of_the_server(mail_server: Server) -> None:
    work_until_finished(send())
    mail_server.fail("RCPT", "550 no such person", times=3)
    for _ in range(3):
        work_until_finished(send())
    assert health.readiness(Worker(queues=["default"]))["mail"] is True

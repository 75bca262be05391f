"""What the queue's tests share: a mail server, the queue in front of it, workers, and time that passes."""

import io
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.core.mail import EmailMessage
from django.core.management import call_command
from django.db import connection
from django.test import Client

from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, Queue, State
from apps.commandqueue.tests.smtpserver import Server

# `make torture` does everything many times.
TORTURE = os.environ.get("TORTURE") == "1"
FINAL_STATES = (State.DONE, State.DEAD, State.DISCARDED)
# No test waits for the end of such a lease: a machine that stalls for seconds takes none away. Where time has
# to pass there is `let_time_pass`, and `work_until_it_hangs` for what has no end.
OPTIONS = WorkerOptions(lease=60, poll=0.05, longest_pause=0.05)


@pytest.fixture(autouse=True)
def nothing_recurs(settings: Any) -> None:
    """What the site has workers do now and then is no part of these tests."""
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}


@pytest.fixture
def smtp() -> Iterator[Server]:
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def mail_server(transactional_db: None, smtp: Server, settings: Any) -> Server:
    """Mail through the queue to `smtp`, which is returned. Django's test set-up would keep it in memory."""
    settings.MAILERS = mailers(smtp.port)
    return smtp


@pytest.fixture
def outbox(transactional_db: None, settings: Any) -> list[EmailMessage]:
    """Mail through the queue into a list."""
    from django.core import mail

    settings.MAILERS = {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"},
        },
        "direct": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"},
    }
    mail.outbox = []
    return mail.outbox


@pytest.fixture
def operator() -> Client:
    client = Client()
    client.force_login(get_user_model().objects.create_superuser("ops", "ops@example.org", "x"))
    return client


@pytest.fixture
def dead(mail_server: Server) -> Command:
    """A dead letter."""
    mail_server.fail("RCPT", "550 no such person")
    command = send()
    work()
    command.refresh_from_db()
    assert command.state == State.DEAD
    return command


def mailers(port: int, **options: Any) -> dict[str, Any]:
    return {
        "default": {
            "BACKEND": "apps.commandqueue.mail.backend.QueueEmailBackend",
            "OPTIONS": {"mailer": "direct"} | options,
        },
        "direct": {
            "BACKEND": "django.core.mail.backends.smtp.EmailBackend",
            "OPTIONS": {"host": "127.0.0.1", "port": port, "timeout": 30},
        },
    }


def send(to: str | list[str] = "bob@example.org", **fields: Any) -> Command:
    """Send a message through the queue; returns its command."""
    recipients = [to] if isinstance(to, str) else to
    EmailMessage("tea?", "the kettle is on", "ann@example.org", recipients, **fields).send()
    return Command.objects.latest("id")


def work(**options: Any) -> None:
    """Have one worker do all that is due."""
    defaults: dict[str, Any] = {"queues": Queue.values, "options": OPTIONS, "once": True}
    Worker(**defaults | options).run()


def work_until_it_hangs(mail_server: Server) -> None:
    """As `work`; the time for a message is over when the server has come to a stage at which it hangs."""
    worker = Worker(queues=Queue.values, options=OPTIONS, once=True)

    def lose_patience() -> None:
        mail_server.reached.get(timeout=60)
        for thread in worker.threads:
            thread.deadline.start(0)

    with ThreadPoolExecutor(1) as other:
        losing = other.submit(lose_patience)
        worker.run()
        losing.result()


def let_time_pass() -> None:
    """What waits for its time is due, and leases end."""
    with connection.cursor() as cursor:
        cursor.execute(
            "UPDATE commandqueue_command SET due_at = least(due_at, statement_timestamp()),"
            " lease_until = least(lease_until, statement_timestamp())"
        )


def work_until_finished(command: Command, *, rounds: int = 6, **options: Any) -> Command:
    """Let workers and time do their work until the command is finished; returns it as it is then."""
    for _ in range(rounds):
        work(**options)
        command.refresh_from_db()
        if command.state in FINAL_STATES:
            break
        let_time_pass()
    return command


def wait_for(condition: Callable[[], object], *, seconds: float = 30) -> None:
    """Wait until something is so; fails if it never is."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.02)


def said(*arguments: str) -> str:
    """What `manage.py queue` writes."""
    out = io.StringIO()
    call_command("queue", *arguments, stdout=out)
    return out.getvalue()


def figure(text: str, name: str) -> float:
    """A metric's value."""
    [value] = [line.split()[-1] for line in text.splitlines() if line.startswith(f"{name} ")]
    return float(value)

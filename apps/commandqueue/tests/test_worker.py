"""The worker: its queues, polling, quotas, retention, vacuum."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from apps.commandqueue.core import store
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.mail.rendering import set_queue_options
from apps.commandqueue.models import Command, Queue, SendQuota, State
from apps.commandqueue.operate import actions
from apps.commandqueue.tests.conftest import OPTIONS, let_time_pass, mailers, send, wait_for, work
from apps.commandqueue.tests.smtpserver import HANG, Server

pytestmark = pytest.mark.django_db(transaction=True)


@contextmanager
def running(**options: Any) -> Iterator[Worker]:
    worker = Worker(**{"options": OPTIONS} | options)
    thread = threading.Thread(target=worker.run)
    thread.start()
    try:
        yield worker
    finally:
        worker.stop()
        thread.join(30)
        assert not thread.is_alive()


def test_a_message_in_the_queue_now_overtakes_a_queue_that_hangs(mail_server: Server) -> None:
    mail_server.fail("MAIL", HANG)
    send()
    with running(options=WorkerOptions(lease=30, poll=0.05)):
        assert mail_server.reached.get(timeout=30) == "MAIL"
        set_queue_options(
            EmailMessage("reset", "", "ann@example.org", ["eve@example.org"]), queue_name=Queue.NOW
        ).send()
        wait_for(lambda: mail_server.accepted)
        mail_server.proceed()
    assert mail_server.accepted[0].rcpt_tos == ["eve@example.org"]


def test_a_worker_finds_new_commands_by_itself(mail_server: Server) -> None:
    with running() as worker:
        wait_for(worker.is_ready)
        send()
        wait_for(lambda: mail_server.accepted)


def test_once_stops_when_nothing_is_due(mail_server: Server) -> None:
    send()
    call_command("runworker", once=True)
    assert len(mail_server.accepted) == 1


@pytest.mark.parametrize("options", [{"queues": "now,fast"}, {"threads": 0}, {"lease": 0.1}])
def test_a_worker_that_can_not_be_is_refused(options: dict[str, Any]) -> None:
    with pytest.raises(CommandError):
        call_command("runworker", once=True, **options)


def test_the_daily_cap_holds_mail_back_and_keeps_some_for_those_who_wait(
    mail_server: Server, settings: Any
) -> None:
    settings.MAILERS = mailers(mail_server.port, daily_cap=5, daily_reserve=2)
    for _ in range(5):
        send()
    work()
    assert len(mail_server.accepted) == 3
    for _ in range(4):
        set_queue_options(
            EmailMessage("reset", "", "ann@example.org", ["eve@example.org"]), queue_name=Queue.NOW
        ).send()
    work()
    assert len(mail_server.accepted) == 5
    waiting = Command.objects.filter(state=State.WAITING)
    assert [command.worker_ids for command in waiting] == [[]] * 4


def test_each_message_takes_its_share_of_the_quota_once(mail_server: Server, settings: Any) -> None:
    settings.MAILERS = mailers(mail_server.port, daily_cap=100)
    for _ in range(3):
        send(["bob@example.org", "carol@example.org"])
    work()
    quota = SendQuota.objects.get()
    assert (quota.mailer, quota.used) == ("direct", 6)


def test_the_rate_is_kept_whatever_the_number_of_threads(mail_server: Server, settings: Any) -> None:
    settings.MAILERS = mailers(mail_server.port, rate=20)
    for _ in range(12):
        send()
    started = time.monotonic()
    with running(threads=3, options=WorkerOptions(poll=0.05)):
        wait_for(lambda: len(mail_server.accepted) == 12)
    assert time.monotonic() - started >= 11 / 20


def test_finished_commands_are_forgotten_after_a_time_and_dead_ones_later(mail_server: Server) -> None:
    mail_server.fail("RCPT", "550 no such person")
    dead, done, fresh = send(), send(), send()
    work(queues=["default"])
    Command.objects.exclude(pk=fresh.pk).update(finished_at=timezone.now() - timedelta(days=8))
    work()
    assert set(Command.objects.values_list("pk", flat=True)) == {dead.pk, fresh.pk}
    assert done.pk not in (dead.pk, fresh.pk)
    Command.objects.update(finished_at=timezone.now() - timedelta(days=91))
    work()
    assert not Command.objects.exists()


def test_purging_leaves_what_is_not_finished(mail_server: Server) -> None:
    send()
    assert actions.purge(older_than=0) == 0
    work()
    assert actions.purge(older_than=0) == 1


def test_discarding_leaves_what_a_worker_holds(mail_server: Server) -> None:
    held = send()
    store.claim(queue_name="default", limit=1, lease=60)
    waiting = send()
    assert actions.discard(ids=[held.pk, waiting.pk]) == 1
    waiting.refresh_from_db()
    assert (waiting.state, waiting.body) == (State.DISCARDED, None)
    let_time_pass()
    work()
    assert mail_server.message_ids() == [held.message_id]


def test_dead_rows_are_cleared_away_when_there_are_many(
    mail_server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    def vacuums() -> int:
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_stat_get_vacuum_count('commandqueue_command'::regclass)")
            return int(cursor.fetchone()[0])

    before = vacuums()
    work()
    assert vacuums() == before
    monkeypatch.setattr("apps.commandqueue.core.store.dead_rows", lambda: 1_000_000)
    work()
    assert vacuums() == before + 1

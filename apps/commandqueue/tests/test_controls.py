"""An operator pauses a queue and sets its pace, and everything that reports on the queue says so."""

import datetime
import time

import pytest
from django.contrib.admin.models import LogEntry
from django.db.models.functions import Now
from django.test import Client
from django.utils import timezone
from prometheus_client import generate_latest

from apps.commandqueue.core import store
from apps.commandqueue.models import Command, Queue, QueueControl, State
from apps.commandqueue.operate import metrics
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import TORTURE, figure, said, wait_for, work
from apps.commandqueue.tests.test_worker import running

pytestmark = pytest.mark.django_db(transaction=True)

ADD = "/admin/commandqueue/queuecontrol/add/"
CHANGE = "/admin/commandqueue/queuecontrol/bulk/change/"


def test_nothing_of_a_paused_queue_is_claimed() -> None:
    held_back = tasks.add.using(queue_name="bulk").enqueue(1, 2)
    other = tasks.add.enqueue(1, 2)
    QueueControl.objects.create(queue_name=Queue.BULK, paused=True)
    work()
    states = {row.pk: row.state for row in Command.objects.all()}
    assert states == {int(held_back.id): State.WAITING, int(other.id): State.DONE}
    QueueControl.objects.update(paused=False)
    work()
    assert set(Command.objects.values_list("state", flat=True)) == {State.DONE}


def test_a_pause_holds_for_workers_that_run() -> None:
    QueueControl.objects.create(queue_name=Queue.DEFAULT, paused=True)
    with running():
        task = tasks.add.enqueue(1, 2)
        command = Command.objects.filter(pk=int(task.id))
        assert command.get().state == State.WAITING
        QueueControl.objects.update(paused=False)
        wait_for(command.filter(state=State.DONE).exists)


def test_pauses_under_load_stop_all_and_lose_nothing() -> None:
    """What was claimed before a pause is done; nothing else is, and each command runs once."""
    rounds, a_round = (100, 200) if TORTURE else (4, 40)
    QueueControl.objects.create(queue_name=Queue.DEFAULT)
    commands = Command.objects.all()
    with running(threads=2):
        for number in range(rounds):
            for _ in range(a_round):
                tasks.add.enqueue(1, 2)
            wait_for(lambda: commands.filter(state=State.DONE).count() > number * a_round)  # noqa: B023
            QueueControl.objects.update(paused=True)
            # A claim that began before the pause was committed may still commit.
            time.sleep(0.2)
            wait_for(lambda: not commands.filter(state=State.LEASED).exists())
            done = commands.filter(state=State.DONE).count()
            for _ in range(5):
                tasks.add.enqueue(1, 2)
            time.sleep(0.2)
            assert commands.exclude(state=State.WAITING).count() == done
            QueueControl.objects.update(paused=False)
        wait_for(lambda: not commands.exclude(state=State.DONE).exists())
    assert commands.count() == rounds * (a_round + 5)
    assert {len(command.worker_ids) for command in commands} == {1}


def test_a_queue_with_a_pace_starts_no_more_in_a_second() -> None:
    QueueControl.objects.create(queue_name=Queue.DEFAULT, per_second=4)
    for _ in range(60):
        tasks.add.enqueue(1, 2)
    began_at = timezone.now()
    # Many claims at once, as by many workers: a second's worth, and what was left of the second before.
    counts = [len(store.claim(queue_name=Queue.DEFAULT, limit=20, lease=60)) for _ in range(12)]
    most = 4 * (1 + (timezone.now() - began_at).total_seconds()) + 4
    assert 0 < counts[0] <= 4
    assert sum(counts) <= most
    QueueControl.objects.update(next_at=Now() + datetime.timedelta(hours=1))
    assert store.claim(queue_name=Queue.DEFAULT, limit=20, lease=60) == []


def test_a_pace_is_kept_and_used_up() -> None:
    in_an_hour = timezone.now() + datetime.timedelta(hours=1)
    QueueControl.objects.create(queue_name=Queue.DEFAULT, per_second=10, next_at=in_an_hour)
    for _ in range(25):
        tasks.add.enqueue(1, 2)
    work()
    assert set(Command.objects.values_list("state", flat=True)) == {State.WAITING}
    QueueControl.objects.update(next_at=Now())
    began_at = timezone.now()
    with running(threads=2):
        wait_for(lambda: not Command.objects.exclude(state=State.DONE).exists())
    seconds = (timezone.now() - began_at).total_seconds()
    assert seconds >= (25 - 10 - 10) / 10


def test_the_admin_pauses_a_queue_and_its_log_has_who_did_it(operator: Client) -> None:
    form = {"queue_name": "bulk", "paused": "on", "per_second": ""}
    assert operator.post(ADD, form).status_code == 302
    assert QueueControl.objects.get().paused
    assert operator.post(CHANGE, {"per_second": "5"}).status_code == 302
    control = QueueControl.objects.get()
    assert (control.queue_name, control.paused, control.per_second) == ("bulk", False, 5)
    assert operator.post(CHANGE, {"per_second": "0"}).status_code == 200, "no pace is no pause"
    assert LogEntry.objects.filter(user__username="ops", object_id="bulk").count() == 2


def test_pausing_the_mail_that_people_wait_for_is_warned_of(operator: Client) -> None:
    form = {"queue_name": "now", "paused": "on", "per_second": ""}
    assert "password reset do not work" in operator.post(ADD, form, follow=True).content.decode()


def test_status_says_that_a_queue_has_a_pace() -> None:
    QueueControl.objects.create(queue_name=Queue.BULK, per_second=4)
    assert "bulk     has a pace of 4 a second" in said("status")


def test_whatever_reports_on_a_paused_queue_says_so() -> None:
    tasks.add.using(queue_name="bulk").enqueue(1, 2)
    Command.objects.update(due_at=Now() - datetime.timedelta(minutes=5))
    QueueControl.objects.create(queue_name=Queue.BULK, paused=True)
    assert "bulk     is paused by an operator" in said("status")
    text = generate_latest(metrics.registry()).decode()
    assert figure(text, 'commandqueue_paused{queue="bulk"}') == 1
    assert figure(text, 'commandqueue_paused{queue="now"}') == 0
    assert figure(text, 'commandqueue_stuck{queue="bulk"}') == 0

"""manage.py queue."""

from datetime import timedelta

import pytest
from django.core.management import CommandError
from django.db.models.functions import Now
from django.utils import timezone
from prometheus_client import generate_latest

from apps.commandqueue.core import store
from apps.commandqueue.models import Command, State
from apps.commandqueue.operate import metrics
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import figure, said, send, work
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)


def test_status_names_each_queue_and_state(dead: Command) -> None:
    send()
    lines = [line.split()[:3] for line in said("status").splitlines()]
    assert lines == [["default", "dead", "1"], ["default", "waiting", "1"]]


def test_status_of_an_empty_queue_says_so() -> None:
    assert said("status") == "No command waits, is leased or is dead.\n"


def test_requeue_takes_numbers_or_all(dead: Command) -> None:
    assert "1 requeued" in said("requeue", str(dead.pk))
    assert "1 not requeued" in said("requeue", str(dead.pk))
    assert "0 requeued" in said("requeue", "--all")
    with pytest.raises(CommandError):
        said("requeue")


def test_purge_forgets_what_is_done(mail_server: Server, dead: Command) -> None:
    send()
    work()
    assert said("purge") == "0 deleted.\n"
    assert said("purge", "--days=0") == "1 deleted.\n"
    assert said("purge", "--days=0", "--dead") == "1 deleted.\n"


def test_mail_that_no_worker_begins_is_stuck_after_a_minute(mail_server: Server) -> None:
    command = send()
    assert "stuck" not in said("status")
    Command.objects.filter(pk=command.pk).update(due_at=Now() - timedelta(minutes=2))
    assert "no worker has started it" in said("status")


def test_what_is_to_run_later_is_not_stuck(mail_server: Server) -> None:
    tomorrow = timezone.now() + timedelta(days=1)
    tasks.echo.using(run_after=tomorrow).enqueue("later")
    assert "not due yet" in said("status")
    assert "stuck" not in said("status")
    state = generate_latest(metrics.registry()).decode()
    assert figure(state, 'commandqueue_oldest_seconds{queue="default"}') == 0


def test_the_admin_and_the_statements_agree_on_what_is_stuck(mail_server: Server) -> None:
    """Each combination of state, attempt and time."""
    for state in State.values:
        for attempted_at in (None, Now()):
            for minutes in (-1, 0, 2):
                command = send()
                due_at = Now() - timedelta(minutes=minutes)
                Command.objects.filter(pk=command.pk).update(
                    state=state, attempted_at=attempted_at, due_at=due_at, finished_at=Now()
                )
    by_django = set(Command.objects.filter(Command.STUCK).values_list("pk", flat=True))
    assert {command.id for command in store.stuck(limit=100)} == by_django
    assert sum(row.stuck for row in store.status()) == len(by_django) == 4

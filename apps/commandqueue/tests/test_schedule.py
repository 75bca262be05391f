"""Recurring tasks."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.commandqueue.core import schedule
from apps.commandqueue.models import Command, Schedule
from apps.commandqueue.tests.conftest import work

pytestmark = pytest.mark.django_db(transaction=True)
SCHEDULE = {"tea": {"task": "apps.commandqueue.tests.tasks.add", "every": 3600, "kwargs": {"a": 1, "b": 2}}}


@pytest.fixture
def scheduled(settings: Any) -> None:
    settings.TASKS = {
        "default": {
            "BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend",
            "OPTIONS": {"schedule": SCHEDULE},
        }
    }
    schedule.sync_schedule()


@pytest.mark.usefixtures("scheduled")
def test_what_recurs_is_enqueued_once_a_turn_by_however_many_workers() -> None:
    for _ in range(3):
        schedule.enqueue_due()
    assert Command.objects.count() == 1
    work()
    assert Command.objects.get().result == {"value": 3}
    entry = Schedule.objects.get()
    assert timedelta(minutes=59) < entry.next_at - timezone.now() < timedelta(hours=1)


@pytest.mark.usefixtures("scheduled")
def test_turns_that_nobody_was_there_for_are_left_out_and_the_time_of_day_stays() -> None:
    planned = timezone.now() - timedelta(hours=5, minutes=20)
    Schedule.objects.update(next_at=planned)
    schedule.enqueue_due()
    schedule.enqueue_due()
    assert Command.objects.count() == 1
    assert Schedule.objects.get().next_at == planned + timedelta(hours=6)


@pytest.mark.usefixtures("scheduled")
def test_a_turn_is_left_out_while_the_last_one_is_not_over() -> None:
    schedule.enqueue_due()
    Schedule.objects.update(next_at=timezone.now())
    schedule.enqueue_due()
    assert Command.objects.count() == 1
    work()
    Schedule.objects.update(next_at=timezone.now())
    schedule.enqueue_due()
    assert Command.objects.count() == 2


@pytest.mark.usefixtures("scheduled")
def test_what_is_switched_off_stays_off_and_what_is_not_declared_goes(settings: Any) -> None:
    Schedule.objects.update(enabled=False)
    schedule.sync_schedule()
    schedule.enqueue_due()
    assert not Command.objects.exists()
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    schedule.sync_schedule()
    assert not Schedule.objects.exists()

"""The site's tasks: those that recur, and those that rows of earlier releases name."""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.tasks import task_backends
from django.tasks.base import Task
from django.utils import timezone
from django.utils.module_loading import import_string

from apps.commandqueue.core import schedule
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command
from apps.notifications.mail import digests
from kwippy import tasks


@pytest.mark.django_db(transaction=True)
def test_all_that_recurs_runs() -> None:
    schedule.sync_schedule()
    Worker(once=True).run()
    assert set(Command.objects.values_list("task", "state")) == {
        (entry["task"], "done") for entry in settings.TASKS["default"]["OPTIONS"]["schedule"].values()
    }


def test_digests_are_looked_for_often_enough_for_every_time_zone() -> None:
    """Zones differ by quarters of an hour."""
    schedule = settings.TASKS["default"]["OPTIONS"]["schedule"]
    assert schedule["send digests"]["task"] == digests.send_due.module_path
    assert schedule["send digests"]["every"] <= 900


@pytest.mark.django_db
def test_sessions_that_have_expired_are_taken_away() -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for _ in range(2):
        store().create()
    Session.objects.filter(pk=Session.objects.all()[0].pk).update(expire_date=timezone.now())
    tasks.clear_sessions.call()
    assert Session.objects.count() == 1


# Each dotted path that a release has written into rows of the command queue: a task that moves stays
# importable here. A path leaves the list when no row can have it any more.
PATHS_IN_ROWS = [
    "kwippy.tasks.forget",
    "kwippy.tasks.sweep_limits",
    "kwippy.tasks.sweep_previews",
    "kwippy.tasks.sweep_sign_ups",
    "kwippy.tasks.release_names",
    "kwippy.tasks.clear_sessions",
    "apps.kwips.tasks.remove",
    "apps.kwips.tasks.remove_written",
    "apps.feeds.previews.draw",
    "apps.notifications.mail.now.mail_notices",
    "apps.notifications.mail.digests.send_due",
]


@pytest.mark.parametrize("path", PATHS_IN_ROWS)
def test_a_task_that_an_earlier_release_enqueued_is_found(path: str) -> None:
    task = import_string(path)
    assert isinstance(task, Task)
    task_backends[task.backend].validate_task(task)

"""What recurs."""

from importlib import import_module

import pytest
from django.conf import settings
from django.contrib.sessions.models import Session
from django.utils import timezone

from apps.commandqueue.core import schedule
from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command
from kwippy import tasks


@pytest.mark.django_db(transaction=True)
def test_all_that_recurs_runs() -> None:
    schedule.align()
    Worker(once=True).run()
    assert set(Command.objects.values_list("task", "state")) == {
        (entry["task"], "done") for entry in settings.TASKS["default"]["OPTIONS"]["schedule"].values()
    }


@pytest.mark.django_db
def test_sessions_that_have_expired_are_taken_away() -> None:
    store = import_module(settings.SESSION_ENGINE).SessionStore
    for _ in range(2):
        store().create()
    Session.objects.filter(pk=Session.objects.all()[0].pk).update(expire_date=timezone.now())
    tasks.clear_sessions.call()
    assert Session.objects.count() == 1

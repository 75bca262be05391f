"""Invalidations that memcached did not hear are made good by the command queue."""

import datetime
import time
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.core.management import call_command
from django.utils import timezone

from apps import lookaside
from apps.accounts.keys import PEOPLE, user_key
from apps.accounts.models import User
from apps.commandqueue.models import Command, State
from deploy.local.memcached import Memcached
from kwippy import tasks

pytestmark = pytest.mark.django_db(transaction=True)


def work() -> None:
    call_command("runworker", once=True, verbosity=0)


def test_an_invalidation_that_failed_is_made_good_when_memcached_is_back(
    settings: LazySettings, memcached: str
) -> None:
    server = Memcached(Path(memcached.removeprefix("unix:")).parent, name="late")
    server.start()
    try:
        settings.CACHES = settings.CACHES | {
            "lookaside": {
                "BACKEND": "apps.lookaside.backends.MemcachedLookaside",
                "LOCATION": server.address,
            }
        }
        ann = User.objects.create_user("ann", "ann@example.org")
        server.stop()
        ann.bio = "new"
        ann.save()
        forget = Command.objects.filter(task="kwippy.tasks.forget")
        told = " ".join(str(command.arguments) for command in forget)
        assert user_key(ann.pk) in told
        assert f"generation:{PEOPLE}" in told
        work()
        assert {command.state for command in forget.all()} == {State.WAITING}
        server.start()
        time.sleep(2.1)  # so long a server that was away is left alone
        forget.update(due_at=timezone.now() - datetime.timedelta(seconds=1))
        work()
        assert {command.state for command in forget.all()} == {State.DONE}
    finally:
        server.stop()


def test_an_invalidation_is_retried_while_memcached_is_away(settings: LazySettings) -> None:
    settings.CACHES = settings.CACHES | {
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    with pytest.raises(tasks.StillAway):
        tasks.forget.func(["user:1"], timezone.now().isoformat())
    # After its time to live an entry is gone by itself.
    tasks.forget.func(["user:1"], (timezone.now() - datetime.timedelta(seconds=301)).isoformat())


def test_the_project_takes_over_failed_invalidations() -> None:
    assert tasks.forget_later in lookaside.failed

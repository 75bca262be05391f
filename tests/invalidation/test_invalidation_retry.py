"""The command queue retries invalidations that failed."""

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


def test_a_failed_invalidation_is_retried_until_memcached_is_back(
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
        retries = Command.objects.filter(task="kwippy.tasks.retry_invalidation")
        keys = " ".join(str(command.arguments) for command in retries)
        assert user_key(ann.pk) in keys
        assert f"generation:{PEOPLE}" in keys
        work()
        assert {command.state for command in retries.all()} == {State.WAITING}
        server.start()
        time.sleep(2.1)  # `dead_timeout`: until then the server is skipped
        retries.update(due_at=timezone.now() - datetime.timedelta(seconds=1))
        work()
        assert {command.state for command in retries.all()} == {State.DONE}
    finally:
        server.stop()


def test_the_task_fails_while_memcached_is_down_and_entries_may_be_left(
    settings: LazySettings,
) -> None:
    settings.CACHES = settings.CACHES | {
        "lookaside": {"BACKEND": "apps.lookaside.backends.MemcachedLookaside", "LOCATION": "127.0.0.1:1"}
    }
    with pytest.raises(tasks.CacheUnavailable):
        tasks.retry_invalidation.func(["user:1"], timezone.now().isoformat())
    # After the longest TTL every entry has expired.
    tasks.retry_invalidation.func(["user:1"], (timezone.now() - datetime.timedelta(seconds=301)).isoformat())


def test_a_retry_enqueued_under_the_tasks_former_name_still_runs(memcached: str) -> None:
    cache = lookaside.cache()
    cache.get_or_compute("a", lambda: "old")
    enqueued = tasks.retry_invalidation.enqueue(["a"], timezone.now().isoformat())
    command = Command.objects.filter(pk=int(enqueued.id))
    assert command.update(task="kwippy.tasks.forget") == 1
    work()
    assert command.get().state == State.DONE
    assert cache.get_or_compute("a", lambda: "new") == "new"


def test_the_site_enqueues_a_retry_of_each_failed_invalidation() -> None:
    assert tasks.enqueue_invalidation in lookaside.on_invalidation_failed

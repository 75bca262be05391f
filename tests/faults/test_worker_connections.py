"""A worker holds a pooled connection while it works, and none while it waits."""

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.core.mail import EmailMessage
from django.db import connection

from apps.commandqueue.core.worker import Worker
from apps.commandqueue.models import Command, State
from apps.commandqueue.tests import tasks
from apps.commandqueue.tests.conftest import mailers, wait_for
from apps.commandqueue.tests.smtpserver import HANG, Server
from apps.dbpool import registry
from tests.support.concurrency import uncommitted
from tests.support.pool import pooled

pytestmark = [pytest.mark.django_db(transaction=True), pooled]


@pytest.fixture
def smtp(settings: Any) -> Iterator[Server]:
    server = Server()
    server.start()
    settings.MAILERS = mailers(server.port)
    # Without recurring tasks.
    settings.TASKS = {"default": {"BACKEND": "apps.commandqueue.tasks.backend.QueueTaskBackend"}}
    yield server
    server.stop()


@pytest.fixture
def worker(smtp: Server) -> Iterator[Worker]:
    """A worker with three queues and a housekeeper, on a pool of one connection."""
    before = connection.settings_dict["POOL"]
    connection.close()
    connection.settings_dict["POOL"] = {"max_size": 1, "timeout": 30}
    worker = Worker()
    thread = threading.Thread(target=worker.run)
    thread.start()
    yield worker
    worker.stop()
    smtp.proceed()
    thread.join(60)
    connection.close()
    connection.settings_dict["POOL"] = before
    assert not thread.is_alive()


def query(function: Callable[[], Any]) -> Any:
    """Returns the connection to the pool at the end, like a request."""
    try:
        return function()
    finally:
        connection.close()


def message() -> EmailMessage:
    return EmailMessage("tea", "today", "ann@example.org", ["bob@example.org"])


def send() -> None:
    query(message().send)


def is_done() -> bool:
    return bool(query(lambda: Command.objects.filter(state=State.DONE).count() == 2))


def test_one_connection_is_enough_for_a_worker_whose_mail_server_hangs(worker: Worker, smtp: Server) -> None:
    wait_for(worker.is_ready)
    smtp.fail("FINAL", HANG)
    send()
    assert smtp.reached.get(timeout=30) == "FINAL"
    for _ in range(20):
        assert query(Command.objects.count) == 1
    send()
    smtp.proceed()
    wait_for(is_done)
    assert worker.is_ready()


def test_a_worker_on_a_pool_that_is_used_up_waits_and_goes_on(worker: Worker, smtp: Server) -> None:
    wait_for(worker.is_ready)
    before = registry.stats()["default"].waits
    with uncommitted():
        message().send()
        # All its threads wait for the only connection, which this test holds.
        wait_for(lambda: registry.stats()["default"].waiting >= 2)
        assert registry.stats()["default"].in_use == 1
    connection.close()
    wait_for(lambda: registry.stats()["default"].waits >= before + 2)
    send()
    wait_for(is_done)


def test_a_task_that_does_not_come_back_takes_no_connection_along(worker: Worker) -> None:
    wait_for(worker.is_ready)
    query(lambda: tasks.sleep.using(priority=1).enqueue(3))
    wait_for(lambda: query(Command.objects.filter(started_at__isnull=False).exists))
    for _ in range(5):
        assert query(Command.objects.filter(state=State.LEASED).count) == 1

"""PostgreSQL crashes and recovers, below gunicorn and a worker: 503s meanwhile, nothing to restart.

`TORTURE=1` takes a minute over it, three times.
"""

import contextlib
import os
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg2
import pytest
from django.conf import settings

from apps.commandqueue.tests.processes import worker
from apps.dbpool.tests import outages
from apps.dbpool.tests.outages import Network, wait_for
from deploy.local.postgres import ROLE, Postgres
from tests.faults.test_database_faults import is_apology, lives_on
from tests.support.http import Response, Visitor
from tests.support.pool import pooled
from tests.support.private_postgres import manage, sessions, where
from tests.support.site import served

pytestmark = [pytest.mark.django_db(transaction=True), pooled]

TORTURE = os.environ.get("TORTURE") == "1"
SECONDS = 60.0 if TORTURE else 2.0
TIMES = range(3 if TORTURE else 1)
CONNECTIONS = 16


@contextlib.contextmanager
def direct(server: Postgres) -> Iterator[Any]:
    """A cursor on a connection past the site."""
    with (
        contextlib.closing(psycopg2.connect(host=str(server.sockets), user=ROLE, dbname="kwippy")) as found,
        found.cursor() as cursor,
    ):
        yield cursor
        found.rollback()


def waiting(cursor: Any) -> int:
    cursor.execute("SELECT count(*) FROM pg_locks WHERE NOT granted AND locktype = 'relation'")
    return int(cursor.fetchone()[0])


def fill(server: Postgres, port: int, cookie: str) -> None:
    """Has the process open all connections of its pool at once."""
    with ThreadPoolExecutor(CONNECTIONS) as visitors, direct(server) as cursor:
        cursor.execute("LOCK TABLE kwips_kwip IN ACCESS EXCLUSIVE MODE")
        pages = [visitors.submit(Visitor(port, cookie).get, "/everyone/") for _ in range(CONNECTIONS)]
        wait_for(lambda: waiting(cursor) == CONNECTIONS)
        cursor.connection.rollback()
        assert {page.result().status for page in pages} == {200}


class Reading:
    """A member who reads at many devices, each with its own connection, until `stop`."""

    def __init__(self, port: int, cookie: str) -> None:
        self.over = threading.Event()
        self.answers: list[tuple[float, Response]] = []
        self._visitor = Visitor(port, cookie)
        self._threads = [threading.Thread(target=self._read) for _ in range(8)]
        for thread in self._threads:
            thread.start()

    def _read(self) -> None:
        while not self.over.is_set():
            started = time.monotonic()
            self.answers.append((started, self._visitor.get("/everyone/")))
            time.sleep(0.05)

    def stop(self) -> None:
        self.over.set()
        for thread in self._threads:
            thread.join()


@pytest.mark.parametrize("_time", TIMES)
def test_a_recovery_is_503s_and_then_no_request_of_any_process_fails(
    server: Postgres, memcached: str, _time: int
) -> None:
    [cookie] = sessions(server, 1)
    variables = where(server) | {
        "DATABASE_POOL_SIZE": str(CONNECTIONS),
        "WEB_THREADS": str(CONNECTIONS),
        "DATABASE_STATEMENT_TIMEOUT_MS": "60000",
        "DATABASE_LOCK_TIMEOUT_MS": "60000",
    }
    with contextlib.ExitStack() as processes:
        # One process each, so that each can be asked.
        ports = [
            processes.enter_context(served(memcached=memcached, workers=1, variables=variables))
            for _ in range(2)
        ]
        for port in ports:
            fill(server, port, cookie)
        with outages.recovery(server):
            began, refused = time.monotonic(), outages.refusals(server)
            crowds = [Reading(port, cookie) for port in ports]
            time.sleep(SECONDS / 2)
            lives_on(ports[0])
            time.sleep(SECONDS / 2)
            refused = outages.refusals(server) - refused
            ending = time.monotonic()
        accepting = time.monotonic()
        time.sleep(1)
        for crowd in crowds:
            crowd.stop()
            # PostgreSQL accepts connections at some moment between these two.
            during = [answer for started, answer in crowd.answers if started + answer.seconds < ending]
            assert all(is_apology(answer) for answer in during)
            # The wait for another thread's attempt, and the page's own time.
            assert max(answer.seconds for answer in during) < 2
            later = [answer for started, answer in crowd.answers if started > accepting]
            assert len(later) > 8
            assert {answer.status for answer in later} == {200}
        # Each process attempts it once a pause (an eighth of a second at least), whatever the crowd.
        assert 0 < refused < len(ports) * (2 * CONNECTIONS + (accepting - began) / 0.125)
        for port in ports:
            fill(server, port, cookie)


def test_a_worker_carries_out_its_first_command_within_two_seconds_of_a_recovery(
    server: Postgres,
) -> None:
    enqueue = """
from datetime import timedelta
from django.utils import timezone
from apps.commandqueue.tests import tasks
later = tasks.echo.using(run_after=timezone.now() + timedelta(seconds=1))
print(tasks.echo.enqueue(1).id, later.enqueue(2).id)
"""
    with worker(variables=where(server)):
        first, second = manage(server, "shell", "--verbosity=0", "-c", enqueue).split()
        wait_for(lambda: state(server, first) == "done")
        with outages.recovery(server):
            time.sleep(SECONDS)
        accepting = time.monotonic()
        wait_for(lambda: state(server, second) == "done")
        assert time.monotonic() - accepting < 2


def state(server: Postgres, command: str) -> str:
    with direct(server) as cursor:
        cursor.execute("SELECT state FROM commandqueue_command WHERE id = %s", [command])
        return str(cursor.fetchone()[0])


def test_the_site_notices_a_silent_server_within_seconds(server: Postgres) -> None:
    network = Network(server)
    options = settings.DATABASES["default"]["OPTIONS"]
    with contextlib.closing(
        psycopg2.connect(host="127.0.0.1", port=network.port, user=ROLE, dbname="kwippy", **options)
    ) as found:
        reached = socket.socket(fileno=os.dup(found.fileno()))
        with contextlib.closing(reached):
            tcp = {
                name: reached.getsockopt(socket.IPPROTO_TCP, getattr(socket, name))
                for name in ("TCP_USER_TIMEOUT", "TCP_KEEPIDLE", "TCP_KEEPINTVL", "TCP_KEEPCNT")
            }
            assert reached.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
    network.close()
    assert 0 < tcp["TCP_USER_TIMEOUT"] <= 20_000
    assert tcp["TCP_KEEPIDLE"] + tcp["TCP_KEEPINTVL"] * tcp["TCP_KEEPCNT"] <= 20
    assert 0 < int(options["connect_timeout"]) <= 2

"""PostgreSQL is away for a while: quick errors and few attempts; once it is back, no request fails.

`TORTURE=1` takes a minute over each outage.
"""

import contextlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError

from apps.dbpool import ServerUnreachable, outage, registry, reset, stats
from apps.dbpool.outage import Outage
from apps.dbpool.tests import outages
from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper
from apps.dbpool.tests.outages import Network, wait_for
from deploy.local.postgres import Postgres

TORTURE = os.environ.get("TORTURE") == "1"
CONNECTIONS = 16
# The site's. An attempt at a silent server takes so long.
CONNECT_TIMEOUT = 2
# Long enough for the first attempts to fail.
SECONDS = 60 if TORTURE else 1.5
SILENT_SECONDS = 60 if TORTURE else 3.5


def fill(threads: Callable[..., Future[Any]], size: int = CONNECTIONS) -> set[int]:
    """Opens all connections of the pool; returns their backends."""
    together = threading.Barrier(size)

    def hold() -> int:
        found = backend()
        together.wait(60)
        return found

    futures = [threads(hold) for _ in range(size)]
    return {future.result() for future in futures}


class Crowd:
    """Threads that ask for a connection again and again, and what became of it."""

    def __init__(self, threads: Callable[..., Future[Any]], size: int) -> None:
        self.over = threading.Event()
        # Start, end, backend (0 after an error) of each request, by thread.
        self.requests: list[list[tuple[float, float, int]]] = [[] for _ in range(size)]
        self.futures = [threads(self._ask, number) for number in range(size)]

    def _ask(self, number: int) -> None:
        while not self.over.is_set():
            started, found = time.monotonic(), 0
            with contextlib.suppress(DatabaseError, InterfaceError):
                found = backend()
            wrapper().close()
            self.requests[number].append((started, time.monotonic(), found))
            time.sleep(0.01)

    def finish(self) -> None:
        self.over.set()
        for future in self.futures:
            future.result(60)

    @property
    def all(self) -> list[tuple[float, float, int]]:
        return [request for thread in self.requests for request in thread]


@pytest.mark.parametrize("kind", [outages.recovery, outages.stop, outages.silence])
def test_after_an_outage_nothing_fails_and_each_connection_is_replaced(
    database: Database, server: Postgres, threads, kind
) -> None:
    database.configure(max_size=CONNECTIONS, options={"connect_timeout": CONNECT_TIMEOUT})
    stale = fill(threads)
    assert len(stale) == CONNECTIONS
    if kind is outages.silence:
        database.kill_all()
    database.disconnect_admin()
    with kind(server):
        began = time.monotonic()
        refused = outages.refusals(server)
        crowd = Crowd(threads, 2 * CONNECTIONS)
        time.sleep(SILENT_SECONDS if kind is outages.silence else SECONDS)
        refused = outages.refusals(server) - refused
    accepting = time.monotonic()
    time.sleep(1)
    crowd.finish()
    later = [request for request in crowd.all if request[0] > accepting]
    assert len(later) >= 2 * CONNECTIONS
    assert [request for request in later if not request[2]] == []
    for thread in crowd.requests:
        assert min(end for _, end, found in thread if found) < accepting + 1
    # Errors were quick, and attempts few: beside the first of each connection, one per pause.
    during = [end - start for start, end, found in crowd.all if not found and end < accepting]
    assert len(during) >= 2 * CONNECTIONS
    most = CONNECT_TIMEOUT + outage.LONGEST_WAIT if kind is outages.silence else outage.LONGEST_WAIT
    assert max(during) < most + 1
    if kind is outages.recovery:
        assert 0 < refused <= 2 * CONNECTIONS + (accepting - began) / (outage.LONGEST_PAUSE / 2)
    # No connection that failed its check was used.
    assert not stale & {found for _, _, found in crowd.all}
    assert (stats()[ALIAS].in_use, stats()[ALIAS].timeouts) == (0, 0)
    assert database.settles_at(stats()[ALIAS].open)


def test_each_stale_connection_is_checked_once_and_no_request_fails(
    database: Database, server: Postgres, threads, monkeypatch
) -> None:
    database.configure(max_size=CONNECTIONS)
    fill(threads)
    failed: list[object] = []
    is_alive = reset.is_alive

    def counting(raw: object, check: str) -> bool:
        found = is_alive(raw, check)
        if not found:
            failed.append(raw)
        return found

    monkeypatch.setattr(reset, "is_alive", counting)
    database.disconnect_admin()
    with outages.recovery(server):
        pass
    for _ in range(3 * CONNECTIONS):
        assert backend()
        wrapper().close()
    assert len(failed) == len(set(map(id, failed))) == CONNECTIONS
    assert stats()[ALIAS].open == CONNECTIONS


# ── One attempt at a time ────────────────────────────────────────────────────────────────────────


class Server:
    """Fails or connects as set, and counts the calls."""

    def __init__(self) -> None:
        self.attempts = 0
        self.answer = threading.Event()
        self.hangs = False
        self.is_up = False

    def connect(self) -> str:
        self.attempts += 1
        is_up = self.is_up
        if self.hangs:
            self.answer.wait(60)
        if not is_up:
            raise OperationalError("down")
        return "connection"


def ask(found: Outage, server: Server, timeout: float = 5.0, asked: float | None = None) -> str:
    return found.connect(server.connect, asked or time.monotonic(), timeout)


@pytest.fixture
def crowd() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(32) as executor:
        yield executor


def down(server: Server) -> Outage:
    """An outage that has lasted until the pause is at its longest."""
    found = Outage()
    for _ in range(5):
        with pytest.raises(OperationalError, match="down"):
            ask(found, server)
    return found


def test_an_attempt_that_fails_is_the_answer_for_all_who_wait_for_it(crowd: ThreadPoolExecutor) -> None:
    server = Server()
    found = down(server)
    before, now = server.attempts, time.monotonic()
    asked = [crowd.submit(ask, found, server, asked=now) for _ in range(32)]
    for future in asked:
        with pytest.raises(OperationalError, match="down"):
            future.result()
    assert server.attempts == before + 1
    assert sum(isinstance(future.exception(), ServerUnreachable) for future in asked) == 31


def test_an_attempt_that_succeeds_lets_all_connect_who_wait_for_it(crowd: ThreadPoolExecutor) -> None:
    server = Server()
    found = down(server)
    asked = [crowd.submit(ask, found, server) for _ in range(32)]
    server.is_up = True
    assert {future.result() for future in asked} == {"connection"}


def test_an_attempt_that_hangs_delays_others_by_half_a_second_only(crowd: ThreadPoolExecutor) -> None:
    server = Server()
    found = down(server)
    server.hangs = True
    hanging = crowd.submit(ask, found, server)
    before = server.attempts
    wait_for(lambda: server.attempts == before + 1)
    server.hangs, server.is_up = False, True
    started = time.monotonic()
    assert ask(found, server) == "connection"
    assert outage.HANGING / 2 < time.monotonic() - started < 1
    # Its late failure begins no other outage.
    server.answer.set()
    with pytest.raises(OperationalError, match="down"):
        hanging.result()
    server.is_up = False
    found.wait(time.monotonic(), 0)


def test_an_attempt_that_began_before_the_question_is_no_answer(crowd: ThreadPoolExecutor) -> None:
    server = Server()
    found = down(server)
    server.hangs = True
    before = server.attempts
    hanging = crowd.submit(ask, found, server)
    wait_for(lambda: server.attempts == before + 1)
    # PostgreSQL accepts connections now; the attempt before fails a little later.
    server.is_up = True
    asked = crowd.submit(ask, found, server)
    time.sleep(0.05)
    server.answer.set()
    with pytest.raises(OperationalError, match="down"):
        hanging.result()
    assert asked.result() == "connection"


def test_while_attempts_hang_others_get_an_error_within_a_second(crowd: ThreadPoolExecutor) -> None:
    server = Server()
    found = down(server)
    server.hangs = True
    started = time.monotonic()
    asked = [crowd.submit(ask, found, server) for _ in range(16)]
    wait_for(lambda: sum(future.done() for future in asked) >= 16 - server.attempts + 5)
    seconds = time.monotonic() - started
    assert seconds < 2 * outage.LONGEST_WAIT
    assert server.attempts <= 5 + 2 + seconds / outage.HANGING
    server.answer.set()
    for future in asked:
        with pytest.raises(OperationalError, match="down"):
            future.result()


def test_a_pool_that_never_waits_gives_the_error_at_once() -> None:
    server = Server()
    found = down(server)
    before = server.attempts
    with pytest.raises(ServerUnreachable, match="down"):
        ask(found, server, timeout=0)
    assert server.attempts == before


def test_in_an_outage_threads_do_not_wait_for_slots(database: Database, server: Postgres) -> None:
    is_checked = False
    with contextlib.suppress(OperationalError), outages.stop(server):
        database.disconnect_admin()
        pool = registry.pool(ALIAS, {}, {"max_size": 1})
        for _ in range(5):
            with pytest.raises(OperationalError):
                pool.check_out(Server().connect)
        acquired = pool.semaphore.acquired
        pool.outage._next_at = time.monotonic() + 60
        with pytest.raises(ServerUnreachable):
            pool.check_out(Server().connect)
        assert pool.semaphore.acquired == acquired
        is_checked = True
    assert is_checked


# ── The network ──────────────────────────────────────────────────────────────────────────────────


# As in the site's settings, but quick.
BY_TCP = {
    "connect_timeout": CONNECT_TIMEOUT,
    "keepalives_idle": 1,
    "keepalives_interval": 1,
    "keepalives_count": 1,
    "tcp_user_timeout": 1500,
    "sslmode": "disable",
    "gssencmode": "disable",
}


@pytest.fixture
def network(database: Database, server: Postgres) -> Iterator[Network]:
    """The pool reaches the server by TCP."""
    found = Network(server)
    database.configure(max_size=4, port=found.port, options=BY_TCP)
    yield found
    database.drop()
    found.close()
    assert database.settles_at(0)


def test_idle_connections_that_a_firewall_dropped_are_replaced(network: Network, threads) -> None:
    stale = fill(threads, 4)
    network.cut()
    time.sleep(3)  # keepalives: one idle second, one probe
    network.mend()
    started = time.monotonic()
    assert not {backend() for _ in range(4) if not wrapper().close()} & stale
    assert time.monotonic() - started < 1


def test_a_statement_that_a_firewall_dropped_ends_and_its_connection_is_closed(network: Network) -> None:
    first = backend()
    network.cut()
    with pytest.raises(OperationalError):
        run("SELECT 1")
    wrapper().close()
    network.mend()
    assert backend() != first
    assert stats()[ALIAS].open == 1


@pytest.mark.parametrize("check", ["socket", "query"])
def test_of_connections_that_died_without_a_sign_the_first_alone_fails(
    database: Database, network: Network, threads, check: str
) -> None:
    database.configure(max_size=4, port=network.port, options=BY_TCP, check=check)
    fill(threads, 4)
    network.forget()
    failures = 0
    for _ in range(12):
        try:
            assert backend()
        except (OperationalError, InterfaceError):
            failures += 1
        wrapper().close()
    assert failures == (1 if check == "socket" else 0)
    assert stats()[ALIAS].open == 4


def test_a_doubted_connection_is_asked_once(database: Database, threads, monkeypatch) -> None:
    fill(threads, 2)
    checks: list[str] = []
    is_alive = reset.is_alive

    def recording(raw: object, check: str) -> bool:
        checks.append(check)
        return bool(is_alive(raw, check))

    monkeypatch.setattr(reset, "is_alive", recording)
    lost = backend()
    database.admin("SELECT pg_terminate_backend(%s, 5000)", lost)
    wrapper().close()
    for _ in range(6):
        backend()
        wrapper().close()
    # The one that stayed, and no other: the lost one was replaced by a new one.
    assert checks == ["socket", "query", *["socket"] * (len(checks) - 2)]


def test_a_server_that_only_accepts_is_left_within_a_second_of_its_return(network: Network, threads) -> None:
    network.silent = True
    crowd = Crowd(threads, 8)
    time.sleep(SILENT_SECONDS)
    assert network.accepted <= 8 + SILENT_SECONDS / outage.HANGING
    network.silent = False
    mended = time.monotonic()
    time.sleep(1.5)
    crowd.finish()
    assert min(end for _, end, found in crowd.all if found) < mended + 1
    assert [request for request in crowd.all if request[0] > mended and not request[2]] == []

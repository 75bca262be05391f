"""PostgreSQL goes away, in whole or in part, at every moment of a connection's life."""

import contextlib
import os
import signal
import threading
import time
from collections.abc import Iterator

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, transaction

from apps.dbpool import stats
from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper

GONE = (OperationalError, InterfaceError)


def check_in() -> None:
    wrapper().close()


# ── Single sessions end ──────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("check", ["socket", "query"])
def test_a_session_that_ended_while_idle_is_never_lent(database: Database, check: str) -> None:
    database.configure(check=check)
    first = backend()
    check_in()
    assert database.kill_all() == 1
    assert backend() != first
    assert stats()[ALIAS].open == 1


def test_unchecked_it_costs_one_request_and_no_more(database: Database) -> None:
    database.configure(max_size=1, check="none")
    backend()
    check_in()
    database.kill_all()
    with pytest.raises(GONE):
        backend()
    check_in()
    assert backend()


def test_a_session_that_ends_in_a_transaction_takes_all_of_it_along(database: Database) -> None:
    def write() -> None:
        with transaction.atomic(ALIAS):
            run("INSERT INTO note VALUES (1, '')")
            database.kill_all()
            run("INSERT INTO note VALUES (2, '')")

    with pytest.raises(GONE):
        write()
    assert run("SELECT * FROM note") == []
    check_in()
    assert stats()[ALIAS].in_use == 0
    assert database.settles_at(stats()[ALIAS].open)


def test_nothing_is_replayed_after_the_transaction_was_lost(database: Database) -> None:
    def write() -> None:
        with transaction.atomic(ALIAS):
            run("INSERT INTO note VALUES (1, '')")
            database.kill_all()
            # Even one who goes on regardless must not reach PostgreSQL by another connection.
            for number in (2, 3):
                with contextlib.suppress(DatabaseError, InterfaceError):
                    run("INSERT INTO note VALUES (%s, '')", number)

    with contextlib.suppress(DatabaseError, InterfaceError):
        write()
    check_in()
    assert database.admin("SELECT * FROM note") == []


def test_a_session_that_ends_during_the_commit_commits_all_or_nothing(database: Database, threads) -> None:
    database.admin("""
        CREATE OR REPLACE FUNCTION linger() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN PERFORM pg_sleep(60); RETURN NULL; END $$;
        CREATE CONSTRAINT TRIGGER slow AFTER INSERT ON note
        DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION linger()
    """)

    def write() -> None:
        with transaction.atomic(ALIAS):
            run("INSERT INTO note VALUES (1, '')")

    committing = threads(write)
    while not database.admin("SELECT 1 FROM pg_stat_activity WHERE query = 'COMMIT' AND state = 'active'"):
        time.sleep(0.005)
    database.kill_all()
    with pytest.raises(GONE):
        committing.result()
    assert database.admin("SELECT * FROM note") == []
    assert run("SELECT 1") == [(1,)]


def test_a_session_that_ends_while_rows_are_fetched_is_an_error_and_no_short_list(database: Database) -> None:
    cursor = wrapper().chunked_cursor()
    cursor.execute("SELECT generate_series(1, 100000)")
    assert len(cursor.fetchmany(100)) == 100
    database.kill_all()
    with pytest.raises(GONE):
        cursor.fetchall()
    check_in()
    assert run("SELECT 1") == [(1,)]


def test_a_session_that_ends_just_before_it_comes_back_is_not_kept(database: Database) -> None:
    backend()
    database.kill_all()
    check_in()
    assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 0)
    assert backend()


# ── A backend hangs ──────────────────────────────────────────────────────────────────────────────


@contextlib.contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_reset_that_hangs_holds_up_its_own_borrower_only(database: Database, threads) -> None:
    database.configure(max_size=2, check="query")
    hanging = backend()
    with stopped(hanging):
        wrapper().inc_thread_sharing()
        closer = threading.Thread(target=wrapper().close)
        closer.start()
        for _ in range(20):
            assert threads(backend).result(timeout=30) != hanging
        assert closer.is_alive()
        assert stats()[ALIAS].in_use == 1
    closer.join()
    wrapper().dec_thread_sharing()
    assert stats()[ALIAS].in_use == 0


def test_a_check_that_hangs_holds_up_its_own_borrower_only(database: Database, threads) -> None:
    database.configure(max_size=2, check="query")
    hanging = backend()
    check_in()
    with stopped(hanging):
        waiting = threads(backend)
        while stats()[ALIAS].in_use == 0:
            time.sleep(0.001)
        for _ in range(20):
            assert threads(backend).result(timeout=30) != hanging
        assert not waiting.done()
    assert waiting.result() == hanging


def test_a_connection_that_is_slow_to_make_holds_up_nobody_else(database: Database, threads) -> None:
    backend()
    slow, made = threading.Event(), threading.Event()
    from apps.dbpool import registry

    pool = registry._pools[ALIAS]

    def connect():
        made.set()
        slow.wait(60)
        raise OperationalError("too slow")

    connecting = threads(lambda: pool.check_out(connect))
    made.wait(60)
    check_in()
    for _ in range(20):
        assert threads(backend).result(timeout=30)
    slow.set()
    with pytest.raises(OperationalError, match="too slow"):
        connecting.result()
    assert stats()[ALIAS].in_use == 0


# ── All of PostgreSQL goes ───────────────────────────────────────────────────────────────────────


def test_connections_used_up_by_others_are_an_error_now_and_none_later(database: Database, server) -> None:
    import psycopg2

    most = int(database.admin("SHOW max_connections")[0][0])
    others = []
    try:
        with contextlib.suppress(psycopg2.OperationalError):
            for _ in range(most):
                others.append(psycopg2.connect(host=str(server.sockets), user="postgres", dbname="dbpool"))
        for _ in range(5):
            with pytest.raises(OperationalError, match=r"too many clients|remaining connection slots"):
                backend()
            check_in()
        assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 0)
    finally:
        for other in others:
            other.close()
    while True:
        try:
            assert backend()
            break
        except OperationalError:
            time.sleep(0.01)  # PostgreSQL has not noticed yet that they have gone


def test_a_restart_under_load_loses_no_transaction_by_half(database: Database, threads) -> None:
    database.configure(max_size=3, timeout=30)
    stop, restarted = threading.Event(), threading.Event()
    started: list[bool] = []
    failures: list[tuple[bool, str]] = []

    def write(worker: int) -> int:
        written = 0
        while not stop.is_set():
            after = restarted.is_set()
            number = worker * 1_000_000 + written
            try:
                with transaction.atomic(ALIAS):
                    run("INSERT INTO note VALUES (%s, 'one')", number)
                    run("INSERT INTO note VALUES (%s, 'two')", number)
                written += 1
                started.append(after)
            except (DatabaseError, InterfaceError) as error:
                failures.append((after, str(error)))
                written += 1  # it may be in, the answer was lost: another number next time
            finally:
                wrapper().close()
        return written

    writers = [threads(write, worker) for worker in range(8)]
    while started.count(False) < 50:
        time.sleep(0.005)
    database.restart()
    restarted.set()
    while started.count(True) < 200:
        time.sleep(0.005)
    stop.set()
    for writer in writers:
        writer.result()
    assert [error for after, error in failures if after] == []
    halves = "SELECT id FROM note GROUP BY id HAVING count(*) <> 2"
    assert database.admin(halves) == []
    assert database.admin("SELECT count(DISTINCT id) >= %s FROM note", len(started)) == [(True,)]
    assert database.settles_at(stats()[ALIAS].open)
    assert stats()[ALIAS].open <= 3

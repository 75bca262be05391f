"""Borrowing and giving back: who has a connection, how long, and what comes with it."""

import gc
import threading
import time

import psycopg2
import pytest
from django.core.signals import request_finished
from django.db import (
    InterfaceError,
    OperationalError,
    ProgrammingError,
    close_old_connections,
    connections,
    transaction,
)

from apps.dbpool import PoolTimeout, registry, stats
from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper


def test_django_has_the_drivers_own_connection(database: Database) -> None:
    wrapper().ensure_connection()
    raw = wrapper().connection
    assert isinstance(raw, psycopg2.extensions.connection), "a subclass, and no proxy"
    raw.autocommit = False
    raw.cursor().execute("SELECT 1")
    assert raw.get_transaction_status() == psycopg2.extensions.TRANSACTION_STATUS_INTRANS


def test_a_connection_is_used_again_and_stays_the_same_object(database: Database) -> None:
    first, raw = backend(), wrapper().connection
    wrapper().close()
    assert wrapper().connection is None
    assert backend() == first
    assert wrapper().connection is raw
    assert database.settles_at(1)


def test_what_was_prepared_is_there_for_the_next_borrower(database: Database) -> None:
    run("PREPARE two AS SELECT 2")
    wrapper().close()
    assert run("EXECUTE two") == [(2,)]


@pytest.mark.parametrize("age", [None, 0, 600])
def test_the_end_of_a_request_gives_it_back_whatever_conn_max_age_says(database: Database, age) -> None:
    wrapper().settings_dict["CONN_MAX_AGE"] = age
    backend()
    assert stats()[ALIAS].in_use == 1
    close_old_connections()
    assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 1)


def test_threads_share_as_many_connections_as_there_are(database: Database, threads) -> None:
    def request(number: int) -> int:
        pid = backend()
        run("INSERT INTO note VALUES (%s, '')", number)
        close_old_connections()
        return pid

    pids = {future.result() for future in [threads(request, number) for number in range(40)]}
    assert len(pids) <= 2
    assert database.settles_at(len(pids))
    assert database.admin("SELECT count(*) FROM note") == [(40,)]


def test_waiting_too_long_is_an_operational_error_that_says_why(database: Database, threads) -> None:
    database.configure(max_size=1, timeout=0.05)
    backend()
    with pytest.raises(PoolTimeout, match=r"within 0\.05 s: all 1 are in use"):
        threads(backend).result()
    assert issubclass(PoolTimeout, OperationalError)
    assert (stats()[ALIAS].timeouts, stats()[ALIAS].waiting) == (1, 0)
    wrapper().close()
    assert threads(backend).result()


def test_who_waits_gets_the_connection_that_comes_free(database: Database, threads) -> None:
    database.configure(max_size=1)
    pid = backend()

    def wait_for_it() -> tuple[int, float]:
        return backend(), wrapper().waited

    waiting = threads(wait_for_it)
    while not stats()[ALIAS].waiting:
        time.sleep(0.001)
    wrapper().close()
    got, waited = waiting.result()
    assert got == pid
    assert waited > 0
    state = stats()[ALIAS]
    assert (state.waits, state.wait_seconds, state.checkouts) == (1, waited, 2)


def test_a_thread_that_ends_without_a_word_leaves_its_place(database: Database) -> None:
    database.configure(max_size=1, timeout=5)
    for _ in range(3):
        thread = threading.Thread(target=backend)
        thread.start()
        thread.join()
    assert backend()
    assert stats()[ALIAS].in_use == 1


def test_a_forgotten_transaction_ends_with_its_thread(database: Database) -> None:
    database.configure(max_size=1)

    def drop() -> None:
        wrapper().set_autocommit(False)
        run("INSERT INTO note VALUES (1, '')")

    thread = threading.Thread(target=drop)
    thread.start()
    thread.join()
    assert run("SELECT * FROM note") == []


def test_a_connection_outlives_the_thread_that_made_it_for_another(database: Database) -> None:
    shared = wrapper()
    shared.inc_thread_sharing()
    thread = threading.Thread(target=shared.ensure_connection)
    thread.start()
    thread.join()
    shared.dec_thread_sharing()
    assert run("SELECT 1") == [(1,)]
    shared.close()
    assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 1)


def test_a_forgotten_wrapper_gives_its_place_back_when_it_is_collected(database: Database) -> None:
    other = wrapper().copy()
    other.ensure_connection()
    assert stats()[ALIAS].in_use == 1
    del other
    gc.collect()
    assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 0)


def test_a_connection_that_can_not_be_made_takes_no_place(database: Database) -> None:
    database.configure(max_size=1, options={"options": "-c no.such=thing -c nonsense=1"})
    for _ in range(3):
        with pytest.raises(OperationalError, match="nonsense"):
            backend()
    assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 0)


def test_no_more_stay_open_than_may_be_idle(database: Database, threads) -> None:
    database.configure(max_size=3, max_cached=1)
    together = threading.Barrier(3)

    def hold() -> None:
        backend()
        together.wait(30)

    for future in [threads(hold) for _ in range(3)]:
        future.result()
    assert (stats()[ALIAS].connects, stats()[ALIAS].open) == (3, 1)
    assert backend()
    assert database.settles_at(1)


def test_an_old_connection_is_replaced(database: Database) -> None:
    database.configure(max_size=1, max_lifetime=0.05)
    first = backend()
    time.sleep(0.06)
    assert backend() == first, "never while somebody has it"
    wrapper().close()
    assert backend() != first
    wrapper().close()
    time.sleep(0.06)
    third = backend()
    assert stats()[ALIAS].closes == 2
    assert third != first


def test_closing_twice_and_before_the_first_query_is_nothing(database: Database) -> None:
    wrapper().close()
    backend()
    wrapper().close()
    wrapper().close()
    assert stats()[ALIAS].in_use == 0


def test_closing_inside_a_transaction_rolls_it_back_and_nobody_touches_the_next_ones(
    database: Database, threads
) -> None:
    database.configure(max_size=1)

    def write(number: int) -> None:
        with transaction.atomic(ALIAS):
            run("INSERT INTO note VALUES (%s, '')", number)

    with transaction.atomic(ALIAS):
        run("INSERT INTO note VALUES (1, '')")
        wrapper().close()
        threads(write, 2).result()
        with pytest.raises(ProgrammingError, match="in an atomic block"):
            run("INSERT INTO note VALUES (3, '')")
    assert run("SELECT id FROM note") == [(2,)]


def test_a_cursor_that_was_kept_can_not_reach_the_next_borrower(database: Database) -> None:
    database.configure(max_size=1)
    cursor = wrapper().cursor()
    cursor.execute("SELECT 1")
    stream = wrapper().chunked_cursor()
    stream.execute("SELECT generate_series(1, 1000)")
    wrapper().close()
    backend()
    with pytest.raises(InterfaceError, match="cursor already closed"):
        cursor.execute("SELECT 1")
    with pytest.raises(InterfaceError, match="cursor already closed"):
        stream.fetchone()


def test_changed_settings_make_another_pool_and_the_old_one_lets_go(database: Database, threads) -> None:
    first = backend()
    wrapper().settings_dict["OPTIONS"]["application_name"] = "changed"
    assert threads(run, "SHOW application_name").result() == [("changed",)]
    assert backend() == first, "who has a connection keeps it"
    wrapper().close()
    assert backend() != first
    assert run("SHOW application_name") == [("changed",)]
    assert database.settles_at(1)


def test_the_pool_can_be_closed_while_connections_are_lent(database: Database) -> None:
    first = backend()
    wrapper().close_pool()
    assert run("SELECT 1") == [(1,)]
    wrapper().close()
    assert backend() != first
    assert database.settles_at(1)


def test_a_connection_made_for_no_database_is_not_pooled(database: Database) -> None:
    with wrapper()._nodb_cursor() as cursor:
        cursor.execute("SELECT current_database()")
        assert cursor.fetchall() == [("postgres",)]
    assert database.settles_at(0)
    assert ALIAS not in stats()


def test_a_request_that_django_calls_finished_has_nothing_left(database: Database) -> None:
    backend()
    request_finished.send(sender=None)
    assert (stats()[ALIAS].in_use, stats()[ALIAS].open) == (0, 1)


def test_two_databases_have_a_pool_each(database: Database) -> None:
    backend()
    connections.settings["other"] = wrapper().settings_dict | {"NAME": "postgres"}
    try:
        connections["other"].ensure_connection()
        state = stats()
        assert (state[ALIAS].in_use, state["other"].in_use) == (1, 1)
        connections["other"].close()
    finally:
        registry.close("other")
        del connections["other"], connections.settings["other"]

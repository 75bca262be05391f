"""Statements that a connection prepares once, and again when they have become unusable."""

import threading
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from typing import Any

import psycopg2
import pytest
from django.conf import LazySettings
from django.db import IntegrityError, NotSupportedError, OperationalError, connection, transaction
from django.test.utils import CaptureQueriesContext

from apps.statements import Statement, Unusable, execute_together
from tests.support.pool import pooled

pytestmark = pytest.mark.django_db(transaction=True)

READ = Statement(
    "read.sql", "statements_read", "SELECT n FROM statements_note WHERE n >= %(least)s ORDER BY n"
)
WRITE = Statement(
    "write.sql", "statements_write", "INSERT INTO statements_note VALUES (%(n)s) RETURNING n, 100 %% 7"
)

type Elsewhere = Callable[[str], None]


@pytest.fixture
def elsewhere(transactional_db: None) -> Iterator[Elsewhere]:
    """SQL on another connection; with the table that the statements are about. Ours is a new one."""
    take_a_new_connection()
    other = psycopg2.connect(**connection.get_connection_params())
    other.autocommit = True

    def run(sql: str) -> None:
        with other.cursor() as cursor:
            cursor.execute(sql)

    run("CREATE TABLE statements_note (n integer PRIMARY KEY)")
    yield run
    connection.close()
    run("DROP TABLE statements_note")
    other.close()


def take_a_new_connection() -> None:
    """One that has prepared nothing: a pool would lend the same one again."""
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's have it


def run(statement: Statement, **parameters: Any) -> list[Any]:
    with connection.cursor() as cursor:
        statement.execute_prepared(cursor, parameters)
        return list(cursor.fetchall())


def prepared() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT name FROM pg_prepared_statements ORDER BY name")
        return [row[0] for row in cursor.fetchall()]


def test_a_connection_prepares_a_statement_once(elsewhere: Elsewhere) -> None:
    assert [run(WRITE, n=n) for n in (1, 2)] == [[(1, 2)], [(2, 2)]]
    assert [run(READ, least=n) for n in (1, 2)] == [[(1,), (2,)], [(2,)]]
    assert prepared() == ["statements_read", "statements_write"]


def test_a_prepared_statement_stays_prepared(elsewhere: Elsewhere) -> None:
    times = []
    for n in (1, 2):
        run(WRITE, n=n)
        with connection.cursor() as cursor:
            cursor.execute("SELECT prepare_time FROM pg_prepared_statements")
            times.append(cursor.fetchall())
    assert times[0] == times[1]


def test_with_the_setting_off_nothing_is_prepared(elsewhere: Elsewhere, settings: LazySettings) -> None:
    settings.PREPARED_STATEMENTS = False
    assert run(WRITE, n=1) == [(1, 2)]
    assert prepared() == []


@pooled
def test_a_connection_that_is_lent_again_has_prepared_all_it_needs(elsewhere: Elsewhere) -> None:
    backends = set()
    for _ in range(3):
        # Statement twice, or forgotten by PostgreSQL and not by us, it would be an error.
        assert run(READ, least=1) == []
        backends.add(connection.connection.info.backend_pid)
        connection.close()
    assert len(backends) == 1


def test_a_new_connection_prepares_anew(elsewhere: Elsewhere) -> None:
    run(READ, least=1)
    take_a_new_connection()
    assert run(READ, least=1) == []
    assert prepared() == ["statements_read"]


def test_a_connection_that_died_is_django_s_error_and_the_next_one_works(elsewhere: Elsewhere) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        pid = cursor.fetchone()[0]
    elsewhere(f"SELECT pg_terminate_backend({pid}, 5000)")
    with pytest.raises(OperationalError):
        run(READ, least=1)
    connection.close()
    assert run(READ, least=1) == []


FAULTS = {
    "another type": "ALTER TABLE statements_note ALTER n TYPE bigint",
    "another table": "DROP TABLE statements_note; CREATE TABLE statements_note (n bigint PRIMARY KEY)",
    "the same again": "DROP TABLE statements_note; CREATE TABLE statements_note (n integer PRIMARY KEY)",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_a_migration_changes_is_prepared_anew(elsewhere: Elsewhere, fault: str) -> None:
    run(READ, least=1), run(WRITE, n=1)
    elsewhere(FAULTS[fault])
    assert run(WRITE, n=3) == [(3, 2)]
    assert run(READ, least=3) == [(3,)]


@pytest.mark.parametrize("fault", FAULTS)
def test_within_a_transaction_nothing_of_it_is_lost(elsewhere: Elsewhere, fault: str) -> None:
    run(READ, least=1), run(WRITE, n=1)
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("CREATE TEMPORARY TABLE before (n integer)")
        elsewhere(FAULTS[fault])
        assert run(WRITE, n=3) == [(3, 2)]
        assert run(WRITE, n=4) == [(4, 2)]
        assert run(READ, least=3) == [(3,), (4,)]
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO before VALUES (1)")
    assert run(READ, least=3) == [(3,), (4,)]


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("in_transaction", [False, True], ids=["alone", "first of a transaction"])
def test_several_in_one_message_are_all_undone_before_they_are_repeated(
    elsewhere: Elsewhere, fault: str, in_transaction: bool
) -> None:
    run(READ, least=1), run(WRITE, n=1)
    elsewhere(FAULTS[fault] + "; INSERT INTO statements_note VALUES (5) ON CONFLICT DO NOTHING")
    with transaction.atomic() if in_transaction else nullcontext(), connection.cursor() as cursor:
        execute_together(cursor, [WRITE, READ], {"n": 3, "least": 3})
        assert cursor.fetchall() == [(3,), (5,)]
    assert run(READ, least=3) == [(3,), (5,)]


def test_several_in_one_message_count_as_one_query_and_each_sees_what_was_committed_before_it(
    elsewhere: Elsewhere,
) -> None:
    """The first waits for a lock; the second sees the row that was committed meanwhile."""
    lock = Statement("lock.sql", "statements_lock", "SELECT pg_advisory_xact_lock(%(least)s)")
    run(READ, least=1)
    other = psycopg2.connect(**connection.get_connection_params())
    with other.cursor() as held:
        held.execute("SELECT pg_advisory_xact_lock(1); INSERT INTO statements_note VALUES (7)")
    releasing = threading.Timer(0.2, other.commit)
    releasing.start()
    with CaptureQueriesContext(connection) as captured, connection.cursor() as cursor:
        execute_together(cursor, [lock, READ], {"least": 1})
        assert cursor.fetchall() == [(7,)]
    releasing.join()
    other.close()
    assert len(captured) == 1


@pytest.mark.parametrize("words", ["DEALLOCATE ALL", "DISCARD ALL", "DEALLOCATE statements_read"])
def test_what_was_deallocated_is_prepared_anew(elsewhere: Elsewhere, words: str) -> None:
    run(READ, least=1)
    with connection.cursor() as cursor:
        cursor.execute(words)
    assert run(READ, least=1) == []
    if words != "DISCARD ALL":  # which PostgreSQL allows in no transaction
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(words)
            assert run(READ, least=1) == []


def test_a_prepare_whose_answer_was_lost_is_no_obstacle(
    elsewhere: Elsewhere, monkeypatch: pytest.MonkeyPatch
) -> None:
    from apps.statements import prepared as module

    send = module._send

    def lose_the_answer(raw: Any, sql: str, parameters: Any = None) -> int:
        send(raw, sql, parameters)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(module, "_send", lose_the_answer)
        with pytest.raises(KeyboardInterrupt):
            run(READ, least=1)
    assert prepared() == ["statements_read"]
    assert run(READ, least=1) == []


def test_a_prepare_that_is_rolled_back_is_no_obstacle(elsewhere: Elsewhere) -> None:
    with transaction.atomic():
        run(WRITE, n=1)
        transaction.set_rollback(True)
    assert run(WRITE, n=1) == [(1, 2)]
    assert run(READ, least=1) == [(1,)]


def test_one_that_never_becomes_usable_is_an_operational_error(elsewhere: Elsewhere) -> None:
    def deallocate(execute: Callable[..., Any], *statement: Any) -> Any:
        with connection.connection.cursor() as cursor:
            cursor.execute("DEALLOCATE ALL")
        return execute(*statement)

    with connection.execute_wrapper(deallocate), pytest.raises(Unusable):
        run(WRITE, n=1)
    assert run(READ, least=1) == []


def test_an_error_of_another_kind_is_not_repeated(elsewhere: Elsewhere) -> None:
    run(WRITE, n=1)
    ran: list[str] = []

    def note(execute: Callable[..., Any], sql: str, *more: Any) -> Any:
        ran.append(sql)
        return execute(sql, *more)

    with connection.cursor() as cursor:
        cursor.execute(
            "CREATE FUNCTION pg_temp.refuse(n bigint) RETURNS bigint LANGUAGE plpgsql AS"
            " $$ BEGIN RAISE feature_not_supported; END $$"
        )
    unsupported = Statement("u.sql", "statements_u", "SELECT pg_temp.refuse(%(n)s)")
    for statement, error in ((WRITE, IntegrityError), (unsupported, NotSupportedError)):
        with connection.execute_wrapper(note), pytest.raises(error):
            run(statement, n=1)
    assert len(ran) == 2

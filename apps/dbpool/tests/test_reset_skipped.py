"""No reset after a checkout that executed only SQL marked as read-only; after anything else, a reset."""

import contextlib
import io
from collections.abc import Callable
from typing import Any

import psycopg2
import pytest
from django.db import DatabaseError, OperationalError, transaction
from psycopg2 import extensions

from apps.dbpool import stats
from apps.dbpool.session import Cursor
from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper


class ReadOnly(str):
    changes_session = False


# Methods and attributes of a cursor that send nothing.
SILENT = {
    "arraysize", "binary_types", "cast", "close", "closed", "connection", "description", "fetchall",
    "fetchmany", "fetchone", "itersize", "lastrowid", "mogrify", "name", "nextset", "pgresult_ptr", "query",
    "row_factory", "rowcount", "rownumber", "scroll", "scrollable", "setinputsizes", "setoutputsize",
    "statusmessage", "string_types", "typecaster", "tzinfo_factory", "withhold",
}  # fmt: skip


@pytest.fixture(autouse=True)
def resets(database: Database) -> Callable[[], int]:
    """How many resets the one connection has had since the test began: each of them inserts a row."""
    database.configure(max_size=1, reset="INSERT INTO note VALUES (-7, 'reset')")
    # The first connection of a process looks for types of django.contrib.postgres.
    wrapper().ensure_connection()
    wrapper().close()
    database.admin("DELETE FROM note")

    def count() -> int:
        return int(database.admin("SELECT count(*) FROM note WHERE id = -7")[0][0])

    return count


def read(sql: str = "SELECT 1", *parameters: Any) -> list[tuple[Any, ...]]:
    return run(ReadOnly(sql), *parameters)


def test_a_checkout_that_only_read_needs_no_reset(resets: Callable[[], int]) -> None:
    for number in range(3):
        assert read("SELECT %s", number) == [(number,)]
        assert read("SELECT generate_series(1, 2)") == [(1,), (2,)]
        wrapper().close()
    assert resets() == 0
    assert (stats()[ALIAS].connects, stats()[ALIAS].in_use) == (1, 0)


def test_a_checkout_without_a_statement_needs_no_reset(resets: Callable[[], int]) -> None:
    wrapper().ensure_connection()
    wrapper().close()
    assert resets() == 0


def test_a_transaction_that_only_read_and_has_ended_needs_no_reset(resets: Callable[[], int]) -> None:
    with transaction.atomic(ALIAS):
        read()
    wrapper().close()
    assert resets() == 0


def test_one_other_statement_resets_once(resets: Callable[[], int]) -> None:
    read()
    run("SELECT 1")
    read()
    wrapper().close()
    assert resets() == 1
    read()
    wrapper().close()
    assert resets() == 1


def raw() -> Any:
    wrapper().ensure_connection()
    return wrapper().connection


def in_sql(statement: str) -> Callable[[], Any]:
    return lambda: run(statement)


def through_django(use: Callable[[Any], Any]) -> Callable[[], None]:
    def change() -> None:
        with wrapper().cursor() as cursor:
            use(cursor)

    return change


def through_another_cursor(factory: Any) -> Callable[[], None]:
    def change() -> None:
        with raw().cursor(cursor_factory=factory) as cursor:
            cursor.execute(ReadOnly("SELECT 1"))

    return change


def set_own_factory() -> None:
    raw().cursor_factory = psycopg2.extras.DictCursor
    raw().cursor().execute(ReadOnly("SELECT 1"))


def set_isolation() -> None:
    raw().isolation_level = extensions.ISOLATION_LEVEL_SERIALIZABLE


def set_readonly() -> None:
    raw().set_session(readonly=True)


def set_deferrable() -> None:
    raw().set_session(deferrable=True)


def leave_a_transaction_open() -> None:
    wrapper().set_autocommit(False)
    read()


def fail_in_a_transaction() -> None:
    wrapper().set_autocommit(False)
    with contextlib.suppress(DatabaseError):
        read("SELECT no_such_thing")


def stream() -> None:
    with wrapper().chunked_cursor() as cursor:
        cursor.execute(ReadOnly("SELECT generate_series(1, 1000)"))
        cursor.fetchmany(2)


def time_out() -> None:
    run("SET statement_timeout TO 20")
    with contextlib.suppress(OperationalError):
        read("SELECT pg_sleep(30)")


CHANGES = {
    "a setting": in_sql("SET work_mem TO '5MB'"),
    "a setting by a function": in_sql("SELECT set_config('my.own', 'x', false)"),
    "an advisory lock": in_sql("SELECT pg_advisory_lock(7)"),
    "a temporary table": in_sql("CREATE TEMP TABLE mine (id int)"),
    "a role": in_sql("SET ROLE kwippy"),
    "listening": in_sql("LISTEN gossip"),
    "a time limit for one statement": time_out,
    "BEGIN": in_sql("BEGIN"),
    "an open transaction": leave_a_transaction_open,
    "a failed transaction": fail_in_a_transaction,
    "execute": through_django(lambda cursor: cursor.execute("SELECT 1")),
    "executemany": through_django(lambda cursor: cursor.executemany(ReadOnly("SELECT %s"), [(1,), (2,)])),
    "callproc": through_django(lambda cursor: cursor.callproc("now")),
    "copy_from": through_django(lambda cursor: cursor.copy_from(io.StringIO(""), "note")),
    "copy_to": through_django(lambda cursor: cursor.copy_to(io.StringIO(), "note")),
    "copy_expert": through_django(lambda cursor: cursor.copy_expert("COPY note TO STDOUT", io.StringIO())),
    "a mark that was lost": through_django(lambda cursor: cursor.execute(ReadOnly("SELECT ") + "1")),
    "a cursor on the server": stream,
    "psycopg2's own cursor": through_another_cursor(extensions.cursor),
    "a cursor of another class": through_another_cursor(psycopg2.extras.DictCursor),
    "the connection's own factory": set_own_factory,
    "an isolation level": set_isolation,
    "read only": set_readonly,
    "deferrable": set_deferrable,
}


@pytest.mark.parametrize("change", CHANGES)
def test_everything_else_is_reset(resets: Callable[[], int], change: str) -> None:
    read()
    CHANGES[change]()
    wrapper().close()
    assert resets() == 1


def test_every_method_of_a_cursor_that_sends_is_known() -> None:
    errors = {name for name in dir(extensions.cursor) if name.endswith(("Error", "Warning"))}
    public = {name for name in dir(extensions.cursor) if not name.startswith("_")} - errors
    overridden = {name for name in vars(Cursor) if not name.startswith("_")}
    assert public - SILENT == overridden


def test_an_error_of_a_read_only_statement_needs_no_reset(resets: Callable[[], int]) -> None:
    with pytest.raises(DatabaseError):
        read("SELECT 1/0")
    wrapper().close()
    assert resets() == 0
    assert read() == [(1,)]


def test_an_encoding_is_not_left_behind(resets: Callable[[], int]) -> None:
    read()
    wrapper().connection.set_client_encoding("LATIN1")
    wrapper().close()
    assert read("SELECT %s", "grün ✓") == [("grün ✓",)]
    assert stats()[ALIAS].connects == 2


@pytest.mark.parametrize("check", ["socket", "query"])
def test_a_session_that_ended_after_it_only_read_is_never_lent(database: Database, check: str) -> None:
    database.configure(max_size=1, check=check)
    [(first,)] = read("SELECT pg_backend_pid()")
    database.kill_all()
    wrapper().close()
    assert backend() != first
    assert stats()[ALIAS].open == 1


def test_a_cursor_that_only_read_can_not_reach_the_next_borrower(database: Database) -> None:
    cursor = wrapper().cursor()
    cursor.execute(ReadOnly("SELECT 1"))
    wrapper().close()
    backend()
    with pytest.raises(psycopg2.InterfaceError, match="cursor already closed"):
        cursor.cursor.execute("SELECT 1")

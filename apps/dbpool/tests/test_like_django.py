"""What Django promises of its PostgreSQL backend, held to Django's own and to ours alike."""

import asyncio
import contextlib
import datetime
import os
import subprocess
import time
from decimal import Decimal

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import (
    DatabaseError,
    IntegrityError,
    InterfaceError,
    ProgrammingError,
    connections,
    models,
    transaction,
)
from django.db.backends.signals import connection_created
from django.db.transaction import TransactionManagementError
from django.test import override_settings
from django.test.utils import CaptureQueriesContext

from apps.dbpool.tests.conftest import ALIAS, POOLED, STOCK, Database, backend, run, wrapper


@pytest.fixture(autouse=True, params=[STOCK, POOLED])
def engine(request, database: Database):
    database.configure(engine=request.param)
    return request.param


def ids() -> list[int]:
    return [row[0] for row in run("SELECT id FROM note ORDER BY id")]


def insert(number: int) -> None:
    run("INSERT INTO note VALUES (%s, 'x')", number)


# ── Transactions ─────────────────────────────────────────────────────────────────────────────────


def test_atomic_commits_and_runs_its_hooks() -> None:
    hooks = []
    with transaction.atomic(ALIAS):
        insert(1)
        transaction.on_commit(lambda: hooks.append(ids()), using=ALIAS)
        assert hooks == []
    assert hooks == [[1]]


def test_an_exception_rolls_all_of_it_back_and_runs_no_hook() -> None:
    hooks = []

    def fail() -> None:
        with transaction.atomic(ALIAS):
            insert(1)
            transaction.on_commit(lambda: hooks.append(1), using=ALIAS)
            raise KeyError

    with pytest.raises(KeyError):
        fail()
    assert (ids(), hooks) == ([], [])


def test_savepoints_roll_back_alone() -> None:
    with transaction.atomic(ALIAS):
        insert(1)
        with contextlib.suppress(IntegrityError), transaction.atomic(ALIAS):
            insert(2)
            raise IntegrityError
        mark = transaction.savepoint_create(ALIAS)
        insert(3)
        transaction.savepoint_rollback(mark, ALIAS)
        mark = transaction.savepoint_create(ALIAS)
        insert(4)
        transaction.savepoint_commit(mark, ALIAS)
    assert ids() == [1, 4]


def test_after_an_error_without_savepoint_nothing_more_runs() -> None:
    with transaction.atomic(ALIAS):
        with pytest.raises(ProgrammingError), transaction.atomic(ALIAS, savepoint=False):
            run("SELECT nothing_of_the_kind")
        with pytest.raises(TransactionManagementError):
            run("SELECT 1")
    assert run("SELECT 1") == [(1,)]


def test_durable_blocks_do_not_nest() -> None:
    with transaction.atomic(ALIAS), pytest.raises(RuntimeError, match="durable"):
        transaction.atomic(ALIAS, durable=True).__enter__()


def test_autocommit_switched_off_needs_a_commit() -> None:
    transaction.set_autocommit(False, ALIAS)
    insert(1)
    transaction.rollback(ALIAS)
    insert(2)
    transaction.commit(ALIAS)
    insert(3)
    transaction.rollback(ALIAS)
    transaction.set_autocommit(True, ALIAS)
    assert ids() == [2]


def test_a_connection_can_begin_without_autocommit(database: Database, engine: str) -> None:
    other = wrapper().copy()
    other.settings_dict["AUTOCOMMIT"] = False
    with other.cursor() as cursor:
        assert other.connection.autocommit is False
        cursor.execute("INSERT INTO note VALUES (1, '')")
    other.rollback()
    other.close()
    assert ids() == []


def test_a_deferred_constraint_speaks_at_the_commit() -> None:
    run("CREATE TEMP TABLE one (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)")
    with pytest.raises(IntegrityError), transaction.atomic(ALIAS):
        run("INSERT INTO one VALUES (1), (1)")
    with transaction.atomic(ALIAS):
        run("INSERT INTO one VALUES (1), (1)")
        with pytest.raises(IntegrityError):
            wrapper().check_constraints()
        transaction.set_rollback(True, ALIAS)


@pytest.mark.parametrize("level", ["REPEATABLE READ", "SERIALIZABLE"])
def test_the_isolation_level_of_the_settings_holds_for_each_borrower(
    database: Database, engine: str, level: str
) -> None:
    from django.db.backends.postgresql.psycopg_any import IsolationLevel

    wanted = IsolationLevel[level.replace(" ", "_")]
    database.configure(engine=engine, size=1, options={"isolation_level": wanted})
    for _ in range(2):
        with transaction.atomic(ALIAS):
            assert run("SHOW transaction_isolation") == [(level.lower(),)]
        assert wrapper().isolation_level == wanted
        assert wrapper().connection.isolation_level == wanted
        wrapper().close()


def test_an_isolation_level_that_is_none_is_refused(database: Database, engine: str) -> None:
    database.configure(engine=engine, options={"isolation_level": 999})
    with pytest.raises(ImproperlyConfigured, match="isolation level 999"):
        backend()


# ── Cursors and values ───────────────────────────────────────────────────────────────────────────


def test_server_side_cursors_stream_within_a_transaction_and_without() -> None:
    for context in (transaction.atomic(ALIAS), CaptureQueriesContext(connections[ALIAS])):
        with context, wrapper().chunked_cursor() as cursor:
            cursor.execute("SELECT generate_series(1, 5000)")
            assert len(cursor.fetchmany(100)) == 100
            assert run("SELECT name LIKE '_django_curs_%%' FROM pg_cursors") == [(True,)]
            assert len(cursor.fetchall()) == 4900


class Note(models.Model):
    id = models.BigIntegerField(primary_key=True)
    text = models.TextField()

    class Meta:
        app_label = "dbpool"
        db_table = "note"
        managed = False


def test_a_querysets_iterator_uses_one() -> None:
    Note._default_manager.using(ALIAS).bulk_create([Note(id=number, text="x") for number in range(50)])
    rows = Note._default_manager.using(ALIAS).order_by("id").iterator(chunk_size=10)
    assert next(rows).pk == 0
    assert run("SELECT count(*) FROM pg_cursors") == [(1,)]
    assert len(list(rows)) == 49
    assert run("SELECT count(*) FROM pg_cursors") == [(0,)]


def test_a_cursor_cannot_be_used_after_its_connection_was_closed() -> None:
    cursor = wrapper().cursor()
    wrapper().close()
    with pytest.raises(InterfaceError, match="closed"):
        cursor.execute("SELECT 1")


def test_values_come_back_as_they_went(engine: str) -> None:
    moment = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
    row = run(
        "SELECT %s::timestamptz, %s::numeric, %s::bytea, %s::date, %s::text[], %s::inet, '{}'::jsonb, %s",
        moment, Decimal("1.50"), b"\x00", moment.date(), ["a", "ü"], "::1", "100%",
    )[0]  # fmt: skip
    assert row[:2] == (moment, Decimal("1.50"))
    assert bytes(row[2]) == b"\x00"
    assert row[3:] == (moment.date(), ["a", "ü"], "::1", "{}", "100%")


def test_jsonb_stays_text_for_djangos_own_decoder_on_a_connection_used_again() -> None:
    for _ in range(2):
        assert run("""SELECT '{"a": 1}'::jsonb""") == [('{"a": 1}',)]
        wrapper().close()


def test_copy_and_debug_cursors_work() -> None:
    import io

    with CaptureQueriesContext(connections[ALIAS]) as queries:
        with wrapper().cursor() as cursor:
            cursor.copy_expert("COPY note FROM STDIN", io.StringIO("7\tseven\n"))
        assert ids() == [7]
    assert any("COPY" in query["sql"] for query in queries)


# ── Connections ──────────────────────────────────────────────────────────────────────────────────


def test_each_connection_is_announced() -> None:
    announced = []

    def hear(connection, **kwargs) -> None:
        announced.append(connection.alias)

    connection_created.connect(hear)
    try:
        backend()
        wrapper().close()
        backend()
    finally:
        connection_created.disconnect(hear)
    assert announced == [ALIAS, ALIAS]


def test_a_thread_can_not_use_anothers_connection(threads) -> None:
    shared = wrapper()
    shared.ensure_connection()
    with pytest.raises(DatabaseError, match="can only be used in that same thread"):
        threads(shared.close).result()
    shared.inc_thread_sharing()
    try:
        assert threads(shared.close).result() is None
    finally:
        shared.dec_thread_sharing()
    assert shared.connection is None


def test_temporary_connections_are_closed_and_others_stay() -> None:
    with wrapper().temporary_connection() as cursor:
        cursor.execute("SELECT 1")
    assert wrapper().connection is None
    backend()
    with wrapper().temporary_connection():
        pass
    assert wrapper().connection is not None


def test_the_version_and_whether_it_is_usable() -> None:
    assert wrapper().pg_version >= 150000
    assert not wrapper().is_usable()
    backend()
    assert wrapper().is_usable()


def test_a_name_that_is_too_long_is_refused(database: Database) -> None:
    wrapper().settings_dict["NAME"] = "x" * 64
    with pytest.raises(ImproperlyConfigured, match="longer than"):
        backend()


@pytest.mark.parametrize("zone", ["Asia/Kolkata", None])
def test_the_time_zone_is_the_databases_or_utc(database: Database, engine: str, zone: str | None) -> None:
    wrapper().settings_dict["TIME_ZONE"] = zone
    connections[ALIAS] = wrapper().copy()
    for _ in range(2):
        assert run("SHOW timezone") == [(zone or "UTC",)]
        assert str(run("SELECT now()")[0][0].tzinfo) == (zone or "UTC")
        wrapper().close()


def test_a_changed_time_zone_is_taken_up_at_once() -> None:
    run("SELECT 1")
    with override_settings(USE_TZ=False, TIME_ZONE="Europe/Paris"):
        assert run("SHOW timezone") == [("Europe/Paris",)]
        wrapper().close()
        assert run("SHOW timezone") == [("Europe/Paris",)]
    wrapper().close()
    assert run("SHOW timezone") == [("UTC",)]


def test_listening_hears_what_others_say(database: Database) -> None:
    import select

    run("LISTEN gossip")
    raw = wrapper().connection
    database.admin("NOTIFY gossip, 'she said yes'")
    assert select.select([raw], [], [], 10)[0]
    raw.poll()
    assert [notice.payload for notice in raw.notifies] == ["she said yes"]


def test_the_options_for_the_server_arrive(database: Database, engine: str) -> None:
    database.configure(engine=engine, options={"options": "-c statement_timeout=1234 -c lock_timeout=567"})
    for _ in range(2):
        assert run("SHOW statement_timeout") == [("1234ms",)]
        assert run("SHOW lock_timeout") == [("567ms",)]
        wrapper().close()


def test_a_role_is_assumed_each_time(database: Database, engine: str) -> None:
    database.admin("GRANT pg_monitor TO kwippy")
    database.configure(engine=engine, size=1, options={"assume_role": "pg_monitor"})
    for _ in range(2):
        assert run("SELECT current_user") == [("pg_monitor",)]
        wrapper().close()


def test_coroutines_are_told_to_use_threads_and_can(monkeypatch, threads) -> None:
    async def directly() -> None:
        backend()

    async def in_a_thread() -> int:
        def query() -> int:
            try:
                return backend()
            finally:
                wrapper().close()

        return await sync_to_async(query)()

    # In a thread of their own: the browser's tests leave a loop running in this one.
    with monkeypatch.context() as patch:
        patch.delenv("DJANGO_ALLOW_ASYNC_UNSAFE", raising=False)
        with pytest.raises(SynchronousOnlyOperation):
            threads(lambda: asyncio.run(directly())).result()
    assert threads(lambda: asyncio.run(in_a_thread())).result() > 0


# ── The rest of the backend ──────────────────────────────────────────────────────────────────────


def test_test_databases_are_made_cloned_used_and_destroyed(database: Database) -> None:
    creation = wrapper().creation
    backend()
    creation._create_test_db(verbosity=0, autoclobber=True)
    wrapper().close()
    wrapper().settings_dict["NAME"] = "test_dbpool"
    assert run("SELECT current_database()") == [("test_dbpool",)]
    wrapper().close()
    creation.clone_test_db(suffix="1", verbosity=0)
    names = "SELECT datname FROM pg_database WHERE datname LIKE 'test_dbpool%%' ORDER BY 1"
    assert database.admin(names) == [("test_dbpool",), ("test_dbpool_1",)]
    creation.destroy_test_db(verbosity=0, suffix="1")
    assert run("SELECT 1") == [(1,)]
    wrapper().close()
    creation.destroy_test_db("dbpool", verbosity=0)
    assert database.admin(names) == []


def test_tables_are_introspected_and_changed() -> None:
    with wrapper().cursor() as cursor:
        names = [table.name for table in wrapper().introspection.get_table_list(cursor)]
    assert "note" in names
    with wrapper().schema_editor() as editor:
        editor.execute("ALTER TABLE note ADD COLUMN more int")
    assert run("SELECT more FROM note") == []


def test_dbshell_opens_psql_on_the_same_database(database: Database, tmp_path, monkeypatch) -> None:
    shell = tmp_path / "psql"
    shell.write_text('#!/bin/sh\necho "$@" > "$(dirname "$0")/called"\n')
    shell.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    wrapper().client.runshell(["-c", "SELECT 1"])
    called = (tmp_path / "called").read_text().split()
    assert called == ["-U", "kwippy", "-h", str(database.server.sockets), "-c", "SELECT", "1", "dbpool"]


def test_a_failed_shell_is_an_error(tmp_path, monkeypatch) -> None:
    shell = tmp_path / "psql"
    shell.write_text("#!/bin/sh\nexit 3\n")
    shell.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    with pytest.raises(subprocess.CalledProcessError):
        wrapper().client.runshell([])


def test_a_statement_that_takes_too_long_is_cut_off_and_the_connection_lives() -> None:
    run("SET statement_timeout TO 50")
    started = time.monotonic()
    with pytest.raises(DatabaseError, match="statement timeout"):
        run("SELECT pg_sleep(30)")
    assert time.monotonic() - started < 25
    assert run("SELECT 1") == [(1,)]

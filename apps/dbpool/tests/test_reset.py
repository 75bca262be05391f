"""What one borrower leaves on a connection, the next one does not find."""

import contextlib
import select

import psycopg2
import pytest
from django.db import DatabaseError, transaction

from apps.dbpool import stats
from apps.dbpool.session import Cursor
from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper


@pytest.fixture(autouse=True)
def only_one(database: Database) -> None:
    database.configure(max_size=1)


def next_checkout() -> None:
    """Gives the connection back and borrows it again; it must be the same."""
    pid = backend()
    wrapper().close()
    assert backend() == pid


@pytest.mark.parametrize(
    ("leave", "look", "clean"),
    [
        ("SET timezone TO 'Asia/Kolkata'", "SHOW timezone", "UTC"),
        ("SET search_path TO nowhere", "SHOW search_path", '"$user", public'),
        ("SET statement_timeout TO 77", "SHOW statement_timeout", "0"),
        ("SET my.own TO 'left behind'", "SELECT current_setting('my.own', true)", ""),
        ("SET default_transaction_read_only TO on", "SHOW transaction_read_only", "off"),
        ("SET default_transaction_isolation TO serializable", "SHOW transaction_isolation", "read committed"),
        ("SET ROLE pg_monitor", "SELECT current_user", "kwippy"),
        ("SELECT pg_advisory_lock(7)", "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'", 0),
        ("CREATE TEMP TABLE mine (id int)", "SELECT to_regclass('mine')", None),
        ("LISTEN gossip", "SELECT count(*) FROM pg_listening_channels()", 0),
        ("DECLARE c CURSOR WITH HOLD FOR SELECT 1", "SELECT count(*) FROM pg_cursors", 0),
    ],
)
def test_the_session_is_like_new(database: Database, leave: str, look: str, clean: object) -> None:
    database.admin("GRANT pg_monitor TO kwippy")
    run(leave)
    assert run(look) != [(clean,)]
    next_checkout()
    assert run(look) == [(clean,)]


def test_a_transaction_that_was_left_open_is_rolled_back() -> None:
    wrapper().set_autocommit(False)
    run("INSERT INTO note VALUES (1, '')")
    next_checkout()
    assert wrapper().get_autocommit()
    assert run("SELECT * FROM note") == []


def test_a_transaction_begun_by_sql_is_rolled_back_too() -> None:
    run("BEGIN")
    run("INSERT INTO note VALUES (1, '')")
    next_checkout()
    assert run("SELECT * FROM note") == []
    run("INSERT INTO note VALUES (2, '')")
    wrapper().close()
    assert run("SELECT id FROM note") == [(2,)]


def test_a_failed_transaction_is_rolled_back() -> None:
    wrapper().set_autocommit(False)
    with contextlib.suppress(DatabaseError):
        run("SELECT no_such_thing")
    wrapper().close()
    assert run("SELECT 1") == [(1,)]


def test_psycopg2s_own_session_settings_are_like_new() -> None:
    wrapper().ensure_connection()
    raw = wrapper().connection
    raw.set_session(isolation_level="SERIALIZABLE", readonly=True, deferrable=True)
    raw.cursor_factory = psycopg2.extras.DictCursor
    next_checkout()
    assert (raw.isolation_level, raw.readonly, raw.deferrable) == (None, None, None)
    assert raw.cursor_factory is Cursor
    with transaction.atomic(ALIAS):
        assert run("SHOW transaction_isolation") == [("read committed",)]
        assert run("SHOW transaction_read_only") == [("off",)]
        assert run("SHOW transaction_deferrable") == [("off",)]


def test_notices_and_notifications_are_not_the_next_ones(database: Database) -> None:
    wrapper().ensure_connection()
    raw = wrapper().connection
    run("LISTEN gossip")
    run("DO $$ BEGIN RAISE NOTICE 'psst'; END $$")
    database.admin("NOTIFY gossip, 'psst'")
    select.select([raw], [], [], 10)
    raw.poll()
    assert raw.notices
    assert raw.notifies
    next_checkout()
    assert (raw.notices, raw.notifies) == ([], [])


def test_a_connection_in_another_encoding_is_closed() -> None:
    first = backend()
    wrapper().connection.set_client_encoding("LATIN1")
    wrapper().close()
    assert backend() != first
    assert run("SELECT %s", "grün ✓") == [("grün ✓",)]


def test_a_connection_in_the_middle_of_copy_is_closed() -> None:
    first = backend()
    raw = wrapper().connection

    class Source:
        """Hands its connection back in the middle of its own copying."""

        def read(self, size: int) -> str:
            assert not _is_reset(raw)
            raise RuntimeError

    with contextlib.suppress(Exception), raw.cursor() as cursor:
        cursor.copy_expert("COPY note FROM STDIN", Source())
    wrapper().close()
    assert run("SELECT count(*) FROM note") == [(0,)]
    assert backend() == first


def _is_reset(raw) -> bool:
    from apps.dbpool import reset

    return reset.reset(raw, [], "")


def test_a_connection_that_can_not_be_reset_is_closed() -> None:
    first = backend()
    run("SET statement_timeout TO 1")
    with contextlib.suppress(DatabaseError):
        run("SELECT pg_sleep(1)")
    wrapper().settings_dict["POOL"]["reset"] = "SELECT 1/0"
    wrapper().close()
    second = backend()
    wrapper().close()
    assert backend() not in (first, second)
    assert stats()[ALIAS].open == 1


def test_without_a_reset_the_transaction_ends_all_the_same(database: Database) -> None:
    database.configure(max_size=1, reset="")
    run("BEGIN")
    run("INSERT INTO note VALUES (1, '')")
    next_checkout()
    assert run("SELECT * FROM note") == []

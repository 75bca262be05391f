"""What a session is set to: with Django's own backend and with ours."""

import select
import time

import pytest
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.test import override_settings

from apps.dbpool.tests.conftest import ALIAS, Database, run, wrapper

pytestmark = pytest.mark.usefixtures("engine")


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
    database.configure(engine=engine, max_size=1, options={"assume_role": "pg_monitor"})
    for _ in range(2):
        assert run("SELECT current_user") == [("pg_monitor",)]
        wrapper().close()


def test_a_statement_that_takes_too_long_is_cut_off_and_the_connection_lives() -> None:
    run("SET statement_timeout TO 50")
    started = time.monotonic()
    with pytest.raises(DatabaseError, match="statement timeout"):
        run("SELECT pg_sleep(30)")
    assert time.monotonic() - started < 25
    assert run("SELECT 1") == [(1,)]


def test_the_limits_of_the_settings_come_back_after_a_borrower_changed_them(
    database: Database, engine: str
) -> None:
    limits = {
        "statement_timeout": "1234ms",
        "lock_timeout": "567ms",
        "idle_in_transaction_session_timeout": "8910ms",
    }
    words = " ".join(f"-c {name}={value}" for name, value in limits.items())
    database.configure(engine=engine, max_size=1, options={"options": words})
    for name in limits:
        run(f"SET {name} TO 0")
    wrapper().close()
    assert {name: run(f"SHOW {name}")[0][0] for name in limits} == limits


def test_a_wait_for_a_lock_that_takes_too_long_is_cut_off(database: Database, engine: str) -> None:
    database.configure(engine=engine, options={"options": "-c lock_timeout=50"})
    database.admin("BEGIN; LOCK TABLE note")
    try:
        with pytest.raises(OperationalError, match="lock timeout"), transaction.atomic(ALIAS):
            run("SELECT * FROM note")
    finally:
        database.admin("ROLLBACK")
    assert run("SELECT * FROM note") == []


def test_a_transaction_that_idles_too_long_is_ended_and_the_next_one_works(
    database: Database, engine: str, threads
) -> None:
    database.configure(
        engine=engine, max_size=1, options={"options": "-c idle_in_transaction_session_timeout=50"}
    )

    def idle() -> None:
        with transaction.atomic(ALIAS):
            run("INSERT INTO note VALUES (1, '')")
            assert database.settles_at(0)
            run("INSERT INTO note VALUES (2, '')")

    with pytest.raises((OperationalError, InterfaceError)):
        threads(idle).result()
    assert threads(run, "SELECT * FROM note").result() == []

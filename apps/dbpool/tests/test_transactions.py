"""Transactions are Django's: with its own backend and with ours."""

import contextlib

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.db import (
    IntegrityError,
    ProgrammingError,
    transaction,
)
from django.db.transaction import TransactionManagementError

from apps.dbpool.tests.conftest import ALIAS, Database, backend, run, wrapper

pytestmark = pytest.mark.usefixtures("engine")


def ids() -> list[int]:
    return [row[0] for row in run("SELECT id FROM note ORDER BY id")]


def insert(number: int) -> None:
    run("INSERT INTO note VALUES (%s, 'x')", number)


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
    database.configure(engine=engine, max_size=1, options={"isolation_level": wanted})
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

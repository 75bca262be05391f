"""Django's access to a database is what it was: with its own backend and with ours."""

import asyncio

import pytest
from asgiref.sync import sync_to_async
from django.core.exceptions import ImproperlyConfigured, SynchronousOnlyOperation
from django.db import (
    DatabaseError,
)
from django.db.backends.signals import connection_created

from apps.dbpool.tests.conftest import ALIAS, Database, backend, wrapper

pytestmark = pytest.mark.usefixtures("engine")


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

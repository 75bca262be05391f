"""Cursors and values are Django's: with its own backend and with ours."""

import datetime
import io
from decimal import Decimal

import pytest
from django.db import (
    InterfaceError,
    connections,
    models,
    transaction,
)
from django.test.utils import CaptureQueriesContext

from apps.dbpool.tests.conftest import ALIAS, run, wrapper

pytestmark = pytest.mark.usefixtures("engine")


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
    with CaptureQueriesContext(connections[ALIAS]) as queries:
        with wrapper().cursor() as cursor:
            cursor.copy_expert("COPY note FROM STDIN", io.StringIO("7\tseven\n"))
        assert run("SELECT id FROM note") == [(7,)]
    assert any("COPY" in query["sql"] for query in queries)

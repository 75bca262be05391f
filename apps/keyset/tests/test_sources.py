"""Pages of querysets, and the direction of SQL. The rows are those of Django's own table of migrations."""

import datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext

from apps.keyset import Key, KeysetOrder, Page, Seek, from_queryset, paginate, timestamp

Row = MigrationRecorder.Migration
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def add(*minutes: int) -> None:
    for minute in minutes:
        Row.objects.create(app="tea", name="milk", applied=NOON + datetime.timedelta(minutes=minute))


def walk(order: KeysetOrder) -> tuple[list[int], list[int]]:
    """The minutes of all rows, walked to the end by pages of two, and walked back."""

    def page(query: str = "") -> Page[Any]:
        rows = Row.objects.filter(app="tea")
        return paginate(dict(parse_qsl(query[1:])), order, from_queryset(rows, order), limit=2)

    def minutes(pages: list[Page[Any]]) -> list[int]:
        return [(row.applied - NOON) // datetime.timedelta(minutes=1) for page in pages for row in page]

    onward = [page()]
    while onward[-1].next:
        onward.append(page(onward[-1].next))
    back = [onward[-1]]
    while back[-1].previous:
        back.append(page(back[-1].previous))
    return minutes(onward), minutes(back[::-1])


@pytest.mark.django_db
def test_a_queryset_by_id_is_walked_both_ways() -> None:
    add(1, 2, 3, 4, 5)
    assert walk(KeysetOrder("rows")) == ([5, 4, 3, 2, 1], [5, 4, 3, 2, 1])


@pytest.mark.django_db
def test_a_queryset_can_show_the_oldest_first() -> None:
    add(1, 2, 3, 4, 5)
    assert walk(KeysetOrder("rows", oldest_first=True)) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])


@pytest.mark.django_db
def test_rows_with_the_same_timestamp_are_ordered_by_id() -> None:
    add(7, 7, 7, 1, 7, 9)
    by_time = KeysetOrder("rows by time", keys=(timestamp("applied"), Key("id")))
    assert walk(by_time) == ([9, 7, 7, 7, 7, 1], [9, 7, 7, 7, 7, 1])


@pytest.mark.django_db
def test_a_compound_order_is_compared_as_one_row_value() -> None:
    by_time = KeysetOrder("rows by time", keys=(timestamp("applied"), Key("id")))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        paginate({}, by_time, from_queryset(Row.objects.all(), by_time))
    sql = queries.captured_queries[0]["sql"]
    assert '("django_migrations"."applied", "django_migrations"."id") < (' in sql
    assert "LIMIT 21" in sql


@pytest.mark.parametrize("oldest_first", [False, True])
def test_the_holes_of_a_sql_file_read_it_in_both_directions(oldest_first: bool) -> None:
    order = KeysetOrder("rows", oldest_first=oldest_first)
    onward, back = (Seek(order, (7,), backward=backward, limit=3) for backward in (False, True))
    ascending, descending = (">", "ASC"), ("<", "DESC")
    assert (onward.beyond, onward.direction) == (ascending if oldest_first else descending)
    assert (back.beyond, back.direction) == (descending if oldest_first else ascending)

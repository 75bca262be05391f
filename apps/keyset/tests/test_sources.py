"""Pages of querysets, and SQL turned around. The rows are those of Django's own table of migrations."""

import datetime
from typing import Any
from urllib.parse import parse_qsl

import pytest
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.test.utils import CaptureQueriesContext
from hypothesis import given
from hypothesis import strategies as st

from apps.keyset import Key, Listing, Page, from_queryset, moment, paginate, turned

Row = MigrationRecorder.Migration
NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)


def add(*minutes: int) -> None:
    for minute in minutes:
        Row.objects.create(app="tea", name="milk", applied=NOON + datetime.timedelta(minutes=minute))


def walk(listing: Listing) -> tuple[list[int], list[int]]:
    """The minutes of all rows, walked to the end by pages of two, and walked back."""

    def page(query: str = "") -> Page[Any]:
        rows = Row.objects.filter(app="tea")
        return paginate(dict(parse_qsl(query[1:])), listing, from_queryset(rows, listing), limit=2)

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
    assert walk(Listing("rows")) == ([5, 4, 3, 2, 1], [5, 4, 3, 2, 1])


@pytest.mark.django_db
def test_a_queryset_can_show_the_oldest_first() -> None:
    add(1, 2, 3, 4, 5)
    assert walk(Listing("rows", oldest_first=True)) == ([1, 2, 3, 4, 5], [1, 2, 3, 4, 5])


@pytest.mark.django_db
def test_rows_of_the_same_moment_are_told_apart_by_id() -> None:
    add(7, 7, 7, 1, 7, 9)
    by_moment = Listing("rows by moment", by=(moment("applied"), Key("id")))
    assert walk(by_moment) == ([9, 7, 7, 7, 7, 1], [9, 7, 7, 7, 7, 1])


@pytest.mark.django_db
def test_a_compound_order_is_compared_as_one_row_value() -> None:
    by_moment = Listing("rows by moment", by=(moment("applied"), Key("id")))
    with CaptureQueriesContext(
        connection,
    ) as queries:
        paginate({}, by_moment, from_queryset(Row.objects.all(), by_moment))
    sql = queries.captured_queries[0]["sql"]
    assert '("django_migrations"."applied", "django_migrations"."id") < (' in sql
    assert "LIMIT 21" in sql


def test_turned_sql_reads_the_other_way() -> None:
    sql = "SELECT id FROM t\nWHERE (at, id) < (%(at)s, %(id)s)\nORDER BY at DESC, id DESC\nLIMIT 3"
    assert turned(sql) == (
        "SELECT id FROM t\nWHERE (at, id) > (%(at)s, %(id)s)\nORDER BY at ASC, id ASC\nLIMIT 3"
    )


@pytest.mark.parametrize(
    "word", ["described", "DESCRIBE", "a<=b", "a <> b", "a <= b", "a->b", "LASCAR", "a::text"]
)
def test_turning_leaves_other_words_alone(word: str) -> None:
    assert turned(f"x {word} y") == f"x {word} y"


@given(st.text(alphabet="<> DESCA\n,()", max_size=40))
def test_turning_twice_gives_the_same(sql: str) -> None:
    assert turned(turned(sql)) == sql

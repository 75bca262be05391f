"""Pages over a list in memory: the rules hold wherever the rows come from."""

import datetime
import itertools
from dataclasses import dataclass
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apps.keyset import (
    BadCursor,
    Key,
    KeysetOrder,
    Page,
    Seek,
    WeightLimit,
    encode,
    moving,
    paginate,
    timestamp,
)


@dataclass(frozen=True, order=True)
class Row:
    id: int


class Rows:
    """Rows that can come and go between two pages."""

    def __init__(self, ids: set[int], *, oldest_first: bool = False) -> None:
        self.ids = set(ids)
        self.order = KeysetOrder("rows", oldest_first=oldest_first)
        self.seeks: list[Seek] = []

    def fetch(self, seek: Seek) -> list[Row]:
        self.seeks.append(seek)
        (at,) = seek.position
        assert isinstance(at, int)
        beyond = [i for i in self.ids if (i > at if seek.is_ascending else i < at)]
        return [Row(i) for i in sorted(beyond, reverse=not seek.is_ascending)[: seek.limit]]

    def page(self, query: str = "", *, limit: int = 3, keep: dict[str, str] | None = None) -> Page[Row]:
        arguments = dict(parse_qsl(query.removeprefix("?"), keep_blank_values=True))
        return paginate(arguments, self.order, self.fetch, limit=limit, keep=keep)

    def in_order(self) -> list[int]:
        return sorted(self.ids, reverse=not self.order.oldest_first)


def shown(page: Page[Row]) -> list[int]:
    return [row.id for row in page]


id_sets = st.sets(st.integers(1, 60), max_size=25)


@given(id_sets, st.integers(1, 7), st.booleans())
def test_walking_on_and_back_shows_every_row_once_and_in_order(
    ids: set[int], limit: int, oldest_first: bool
) -> None:
    rows = Rows(ids, oldest_first=oldest_first)
    pages = [rows.page(limit=limit)]
    while pages[-1].next:
        pages.append(rows.page(pages[-1].next, limit=limit))
    assert [i for page in pages for i in shown(page)] == rows.in_order()
    assert all(len(page) == limit for page in pages[:-1])

    back = [pages[-1]]
    while back[-1].previous:
        back.append(rows.page(back[-1].previous, limit=limit))
    assert [shown(page) for page in reversed(back)] == [shown(page) for page in pages]


@given(id_sets, id_sets, id_sets, st.integers(1, 7), st.booleans())
def test_rows_that_stay_are_shown_once_while_others_come_and_go(
    ids: set[int], coming: set[int], going: set[int], limit: int, oldest_first: bool
) -> None:
    rows = Rows(ids, oldest_first=oldest_first)
    changes = [*((rows.ids.add, i) for i in coming - ids), *((rows.ids.discard, i) for i in going)]
    page = rows.page(limit=limit)
    seen = shown(page)
    while page.next:
        for change, which in changes[:3]:
            change(which)
        del changes[:3]
        page = rows.page(page.next, limit=limit)
        seen += shown(page)
    assert len(seen) == len(set(seen))
    assert seen == sorted(seen, reverse=not oldest_first)
    assert ids - going <= set(seen)


def test_the_first_page_has_nothing_newer() -> None:
    page = Rows({1, 2, 3, 4}).page()
    assert shown(page) == [4, 3, 2]
    assert page.newer == ""
    assert page.is_first
    assert page.older


def test_a_last_page_that_is_full_has_nothing_older() -> None:
    assert Rows({1, 2, 3}).page().older == ""


def test_a_list_that_fits_has_no_links() -> None:
    page = Rows({1, 2}).page()
    assert (page.older, page.newer) == ("", "")


def test_an_empty_list_is_an_empty_first_page() -> None:
    page = Rows(set()).page()
    assert not page
    assert (page.older, page.newer, page.is_first) == ("", "", True)


def test_newer_rows_that_reach_the_start_are_the_first_page_and_full() -> None:
    rows = Rows({1, 2, 3, 4, 5, 6})
    second = rows.page(rows.page().older)
    rows.ids.discard(6)
    page = rows.page(second.newer)
    assert shown(page) == [5, 4, 3]
    assert page.is_first
    assert page.newer == ""


def test_beyond_the_end_there_is_a_way_back() -> None:
    rows = Rows({1, 2, 3, 4})
    older = rows.page().older
    rows.ids -= {1, 2}
    page = rows.page(older)
    assert shown(page) == []
    assert page.older == ""
    assert page.newer == "?"
    assert shown(rows.page(page.newer)) == [4, 3]


def test_a_conversation_goes_on_to_what_is_newer() -> None:
    rows = Rows({1, 2, 3, 4}, oldest_first=True)
    first = rows.page()
    assert shown(first) == [1, 2, 3]
    assert first.next == first.newer != ""
    assert first.previous == first.older == ""
    second = rows.page(first.newer)
    assert shown(second) == [4]
    assert second.newer == ""
    assert shown(rows.page(second.older)) == [1, 2, 3]


def test_links_carry_other_arguments_on() -> None:
    rows = Rows({1, 2, 3, 4})
    page = rows.page(keep={"sort": "active", "empty": "", "q": "tea & milk"})
    assert page.older == f"?sort=active&q=tea+%26+milk&before={encode(rows.order, (2,))}"


def test_a_page_reads_one_row_more_than_it_shows() -> None:
    rows = Rows(set(range(50)))
    assert len(rows.page(limit=20)) == 20
    assert [seek.limit for seek in rows.seeks] == [21]


@pytest.mark.parametrize(
    "query", ["?before=&after=", "?before=", "?after=x", "?before=-1", "?before=" + "9" * 500]
)
def test_what_is_no_cursor_is_refused_before_anything_is_read(query: str) -> None:
    rows = Rows({1, 2, 3, 4})
    with pytest.raises(BadCursor):
        rows.page(query)
    assert rows.seeks == []


def test_both_cursors_at_once_are_refused() -> None:
    rows = Rows({1, 2, 3, 4})
    cursor = encode(rows.order, (2,))
    with pytest.raises(BadCursor):
        rows.page(f"?before={cursor}&after={cursor}")


def test_a_page_can_show_something_else_with_the_same_links() -> None:
    page = Rows({1, 2, 3, 4}).page()
    other = page.with_items([str(row.id) for row in page])
    assert other.items == ["4", "3", "2"]
    assert (other.older, other.newer, other.is_first) == (page.older, page.newer, page.is_first)


@given(
    st.dictionaries(st.integers(1, 60), st.integers(0, 30), max_size=25),
    st.integers(1, 7),
    st.integers(1, 40),
    st.booleans(),
)
def test_pages_that_end_by_weight_show_every_row_once_on_the_way_there_and_back(
    weights: dict[int, int], limit: int, most: int, oldest_first: bool
) -> None:
    rows = Rows(set(weights), oldest_first=oldest_first)
    weight = WeightLimit[Row](most, lambda row: weights[row.id])

    def page(query: str = "") -> Page[Row]:
        return paginate(dict(parse_qsl(query[1:])), rows.order, rows.fetch, limit=limit, weight=weight)

    there = [page()]
    while there[-1].next:
        there.append(page(there[-1].next))
    assert [i for one in there for i in shown(one)] == rows.in_order()

    back = [there[-1]]
    while back[-1].previous:
        back.append(page(back[-1].previous))
    assert [i for one in reversed(back) for i in shown(one)] == rows.in_order()

    for one in there + back:
        assert len(one) <= limit
        assert len(one) <= 1 or sum(weights[i] for i in shown(one)) <= most
    # None ends for nothing: the next row would have been too much.
    for one, following in itertools.pairwise(there):
        too_much = sum(weights[i] for i in [*shown(one), shown(following)[0]]) > most
        assert len(one) == limit or too_much


def test_a_way_back_from_before_all_rows_is_the_first_page_whatever_it_weighs() -> None:
    rows = Rows({2, 3, 4})
    weight = WeightLimit[Row](2, lambda row: 1)
    page = paginate({"after": encode(rows.order, (4,))}, rows.order, rows.fetch, weight=weight)
    assert shown(page) == [4, 3]
    assert page.is_first


NOON = datetime.datetime(2026, 11, 22, 12, tzinfo=datetime.UTC)
MINUTE = datetime.timedelta(minutes=1)


@dataclass(frozen=True)
class MovingRow:
    id: int
    moved_at: datetime.datetime
    read_at: datetime.datetime


class MovingRows:
    """Rows that go to the top when they move; a minute passes with each move."""

    order = KeysetOrder("rows, moving", keys=(timestamp("moved_at"), Key("id")), moves=True)

    def __init__(self, count: int) -> None:
        self.now = NOON
        self.keys = {number: NOON + number * MINUTE for number in range(1, count + 1)}
        self.now = NOON + 60 * MINUTE

    def move(self, *numbers: int) -> None:
        for number in numbers:
            self.now += MINUTE
            self.keys[number] = self.now

    def fetch(self, seek: Seek) -> list[MovingRow]:
        places = sorted(((at, number) for number, at in self.keys.items()), reverse=not seek.is_ascending)
        beyond = [p for p in places if (p > seek.position if seek.is_ascending else p < seek.position)]
        return [MovingRow(number, at, self.now) for at, number in beyond[: seek.limit]]

    def page(self, query: str = "", *, limit: int = 2) -> Page[MovingRow]:
        return paginate(dict(parse_qsl(query[1:])), self.order, self.fetch, limit=limit)


def numbers(page: Page[MovingRow]) -> list[int]:
    return [row.id for row in page]


def test_on_the_way_back_a_walk_shows_no_row_that_moved_since_it_began() -> None:
    rows = MovingRows(6)
    first = rows.page()
    second = rows.page(first.older)
    third = rows.page(second.older)
    assert [numbers(page) for page in (first, second, third)] == [[6, 5], [4, 3], [2, 1]]
    rows.move(1, 4, 5)
    second = rows.page(third.newer)
    assert numbers(second) == [6, 3]
    assert (second.newer, second.is_first, second.as_of) == ("?", False, first.as_of)
    assert numbers(rows.page(second.newer)) == [5, 4]


def test_a_page_above_which_only_moved_rows_are_leads_to_a_new_walk() -> None:
    rows = MovingRows(3)
    second = rows.page(rows.page().older)
    rows.move(2)
    first = rows.page(second.newer)
    assert (numbers(first), first.newer, first.older != "") == ([3], "?", True)
    rows.move(3)
    again = rows.page(second.newer)
    assert (numbers(again), again.newer, again.is_first) == ([3, 2], "", True)
    assert again.as_of != second.as_of


def test_a_full_page_below_moved_rows_leads_to_them() -> None:
    rows = MovingRows(5)
    third = rows.page(rows.page(rows.page(limit=2).older, limit=2).older, limit=2)
    rows.move(5)
    second = rows.page(third.newer, limit=3)
    assert (numbers(second), second.newer) == ([4, 3, 2], "?")


def test_a_walk_begins_before_the_keys_that_may_not_be_committed_yet() -> None:
    rows = MovingRows(3)
    assert rows.page().as_of == NOON + 3 * MINUTE
    rows.move(1)
    assert rows.page().as_of == rows.now - moving.COMMITTED_AFTER
    # The row that is above that moment has no page of this walk above it.
    second = rows.page(rows.page(limit=1).older, limit=1)
    rows.move(3)
    assert second.newer != "?"
    assert numbers(rows.page(second.newer, limit=1)) == [3]


def test_a_page_of_rows_above_the_moment_leads_to_the_first_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(moving, "COMMITTED_AFTER", 5 * MINUTE)
    rows = MovingRows(4)
    rows.move(1, 2)
    second = rows.page(rows.page(limit=1).older, limit=1)
    assert numbers(second) == [1]
    assert second.newer == "?"
    third = rows.page(second.older, limit=1)
    assert numbers(third) == [4]
    # Above the moment a page of the walk has nothing.
    assert numbers(rows.page(third.newer, limit=1)) == [2]


@pytest.mark.parametrize("argument", ["before", "after"])
def test_a_cursor_of_an_earlier_release_is_a_page_on_which_a_walk_begins(argument: str) -> None:
    rows = MovingRows(7)
    fourth = NOON + 4 * MINUTE
    page = rows.page(f"?{argument}={encode(rows.order, (fourth, 4))}")
    assert numbers(page) == {"before": [3, 2], "after": [6, 5]}[argument]
    assert page.as_of == rows.now - moving.COMMITTED_AFTER
    rows.move(7, 1)
    above, below = rows.page(page.newer, limit=9), rows.page(page.older, limit=9)
    # Above 6 only 7 was, which has moved: the first page.
    assert numbers(above) == {"before": [6, 5, 4], "after": [1, 7, 6, 5, 4, 3, 2]}[argument]
    assert numbers(below) == {"before": [], "after": [4, 3, 2]}[argument]


def test_an_empty_list_has_no_moment_at_which_its_walk_began() -> None:
    assert MovingRows(0).page().as_of is None


def test_a_list_that_does_not_move_has_no_moment() -> None:
    assert Rows({1, 2, 3, 4}).page().as_of is None

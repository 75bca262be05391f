"""One page of a list, and the query strings of its neighbours."""

from __future__ import annotations

import datetime
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlencode

from apps.keyset import moving
from apps.keyset.cursor import BadCursor, KeysetOrder, Position, Value, decode_cursor, encode

BEFORE, AFTER = "before", "after"


@dataclass(frozen=True, slots=True)
class Seek:
    """What a fetch reads: up to ``limit`` rows beyond ``position``, the nearest first.

    ``backward`` reads against the list's order.
    """

    order: KeysetOrder
    position: Position
    backward: bool
    limit: int

    @property
    def is_ascending(self) -> bool:
        return self.order.oldest_first != self.backward

    @property
    def beyond(self) -> str:
        """The operator between the keys and the position."""
        return ">" if self.is_ascending else "<"

    @property
    def direction(self) -> str:
        """For ORDER BY."""
        return "ASC" if self.is_ascending else "DESC"

    @property
    def parameters(self) -> dict[str, Value]:
        """For SQL: ``cursor_`` and the name of each key, and ``limit``."""
        named = {
            f"cursor_{key.name}": value for key, value in zip(self.order.keys, self.position, strict=True)
        }
        return {**named, "limit": self.limit}


type Fetch[T] = Callable[[Seek], Sequence[T]]


@dataclass(frozen=True, slots=True)
class WeightLimit[T]:
    """The rows of a page weigh at most ``maximum`` together; a page has at least one row."""

    maximum: int
    weigh: Callable[[T], int]

    def fitting(self, rows: Sequence[T]) -> int:
        """How many of the first rows fit on a page."""
        total = 0
        for count, row in enumerate(rows):
            total += self.weigh(row)
            if total > self.maximum and count:
                return count
        return len(rows)


class Neighbours(NamedTuple):
    """Which neighbours a page has, and whether its list has the oldest row first."""

    previous: bool
    next: bool
    oldest_first: bool


@dataclass(frozen=True, slots=True)
class Page[T]:
    """Rows in the list's order. ``older`` and ``newer`` are query strings of its neighbours, or "".

    ``oldest_first`` says which of the two is the next page. ``as_of`` is when the walk of a list that moves
    began; None of other lists.
    """

    items: list[T]
    older: str = ""
    newer: str = ""
    oldest_first: bool = False
    is_first: bool = True
    as_of: datetime.datetime | None = None

    @property
    def is_empty(self) -> bool:
        return not self.items

    @property
    def next(self) -> str:
        """The query string of rel="next"."""
        return self.newer if self.oldest_first else self.older

    @property
    def previous(self) -> str:
        """The query string of rel="prev"."""
        return self.older if self.oldest_first else self.newer

    @property
    def neighbours(self) -> Neighbours | None:
        """For the links to them; None for an only page."""
        if not (self.older or self.newer):
            return None
        return Neighbours(bool(self.previous), bool(self.next), self.oldest_first)

    def with_items[U](self, items: Sequence[U]) -> Page[U]:
        """The same page with other items, such as the cards of its ids."""
        return Page(list(items), self.older, self.newer, self.oldest_first, self.is_first, self.as_of)

    def __iter__(self) -> Iterator[T]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


def paginate[T](
    arguments: Mapping[str, str],
    order: KeysetOrder,
    fetch: Fetch[T],
    *,
    limit: int = 20,
    weight: WeightLimit[T] | None = None,
    keep: Mapping[str, str] | None = None,
) -> Page[T]:
    """The page at ``before`` or ``after`` in ``arguments`` (a request's GET), else the first page.

    A ``weight`` limit ends a page before ``limit`` rows. The links repeat the arguments in ``keep``, which
    the caller has validated. Raises `BadCursor`.
    """
    seek, is_start, as_of = _requested(arguments, order, limit)
    rows = list(fetch(seek))
    moved = moving.moved_since(order, rows, as_of) if as_of and seek.backward else []
    rows = rows[: len(rows) - len(moved)]
    # A previous page that reaches the start has fewer rows than a page: show the full first page instead.
    # Not with a weight limit: pages read backward end at other rows than those read forward, and the first
    # page would repeat rows. Nor, for the same reason, below rows that moved.
    if seek.backward and len(rows) < limit and not ((weight or moved) and rows):
        seek, is_start, as_of, moved = Seek(order, order.start, False, limit + 1), True, None, []
        rows = list(fetch(seek))
    as_of = as_of or moving.as_of(order, rows, from_the_top=is_start)
    count = min(limit, weight.fitting(rows) if weight else limit)
    has_more = len(rows) > count
    del rows[count:]
    if seek.backward:
        rows.reverse()
    links = _Links(order, keep or {}, rows, as_of)
    if seek.backward:
        following = "" if seek.position == order.end else links.next()
        preceding = links.previous() if has_more else links.first() if moved else ""
    else:
        following, preceding = links.next() if has_more else "", "" if is_start else links.previous()
    older, newer = (preceding, following) if order.oldest_first else (following, preceding)
    return Page(rows, older, newer, order.oldest_first, is_first=not preceding, as_of=as_of)


def _requested(
    arguments: Mapping[str, str], order: KeysetOrder, limit: int
) -> tuple[Seek, bool, datetime.datetime | None]:
    """The seek, whether it is the first page's, and when the walk began."""
    before, after = arguments.get(BEFORE), arguments.get(AFTER)
    if before is not None and after is not None:
        raise BadCursor
    text = before if before is not None else after
    if text is None:
        return Seek(order, order.start, backward=False, limit=limit + 1), True, None
    backward = (before is not None) == order.oldest_first
    position, as_of = decode_cursor(order, text)
    is_start = not backward and position == order.start
    return Seek(order, position, backward, limit + 1), is_start, as_of


@dataclass(frozen=True, slots=True)
class _Links[T]:
    order: KeysetOrder
    keep: Mapping[str, str]
    rows: list[T]
    as_of: datetime.datetime | None

    def next(self) -> str:
        return self._query(AFTER if self.order.oldest_first else BEFORE, self.rows[-1])

    def previous(self) -> str:
        # Beyond the end, or above all that the walk shows on the way back.
        if not self.rows or (self.as_of and moving.moved_since(self.order, self.rows[:1], self.as_of)):
            return self.first()
        return self._query(BEFORE if self.order.oldest_first else AFTER, self.rows[0])

    def first(self) -> str:
        """The first page. A bare "?" removes the cursor from the address."""
        return "?" + self._kept()

    def _query(self, argument: str, row: T) -> str:
        cursor = encode(self.order, self.order.position_of(row), self.as_of)
        return "?" + "&".join(filter(None, [self._kept(), f"{argument}={cursor}"]))

    def _kept(self) -> str:
        kept = {name: value for name, value in self.keep.items() if value}
        return urlencode(kept) if kept else ""

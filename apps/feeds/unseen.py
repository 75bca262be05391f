"""Counts the kwips that are new since a page was rendered, for the line above the page.

Ids are assigned before their rows commit: while a page shows kwip 8, kwip 7 may not be committed yet. A
count of ids above the newest one would miss it. So the count starts at the page's *oldest* kwip or share and
subtracts those on the page. A kwip that commits after a whole page of newer ones was rendered is not
counted; it appears further down.

By activity the count starts at the moment at which the walk began ("as of", `apps.keyset.moving`), and each
page of the walk has it: it counts what the walk leaves out because it moved. Of the kwips between that moment
and the newest one on the page it subtracts those on the page.
"""

import datetime
from dataclasses import dataclass
from typing import NamedTuple

from django.utils.translation import ngettext

from apps.feeds.queries import PAGE_SIZE, Timeline
from apps.feeds.statements import Entry
from apps.keyset import (
    LARGEST,
    SMALLEST,
    BadCursor,
    Key,
    KeysetOrder,
    Page,
    Seek,
    decode,
    encode,
    moving,
    timestamp,
)
from apps.keyset.cursor import Position, Value

_WATCHED = (Key("id"), Key("seen"))
_WATCHED_ACTIVE = (timestamp("as_of"), timestamp("newest"), Key("seen"))
_LONG_AGO = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)

# Above this it is "20+".
MOST = 20


@dataclass(frozen=True, slots=True)
class UnseenCount:
    count: int
    more: bool
    is_by_activity: bool = False

    @property
    def label(self) -> str:
        if not self.count:
            return ""
        shown = f"{self.count}+" if self.more else str(self.count)
        if self.is_by_activity:
            words = ngettext("%(shown)s newly active kwip", "%(shown)s newly active kwips", self.count)
            return words % {"shown": shown}
        return ngettext("%(shown)s new kwip", "%(shown)s new kwips", self.count) % {"shown": shown}


@dataclass(frozen=True, slots=True)
class UnseenEntries:
    """``cursor`` is the one of a page that shows these entries, too."""

    items: list[Entry]
    cursor: str


def watch_cursor(timeline: Timeline, page: Page[Entry]) -> str:
    """The cursor for `since`; "" if the page is not the first. By activity each page has one."""
    if timeline.order.moves:
        return _activity_cursor(timeline, page.items, page.as_of)
    if not page.is_first:
        return ""
    # If the list ends on this page, every later kwip is new.
    [oldest] = timeline.order.position_of(page.items[-1]) if page.older else (SMALLEST,)
    seen = len(page) - 1 if page.older else len(page)
    return encode(_watch_order(timeline), (oldest, seen))


def since(timeline: Timeline, cursor: str) -> UnseenCount:
    """The kwips that are new since the page of the cursor. Raises `BadCursor`."""
    watched = _decode(timeline, cursor)
    found = _beyond(timeline, watched)
    newer = moving.moved_since(timeline.order, found, watched.newest) if watched.newest else []
    # Kwips on the page may have been deleted since; what commits late then counts too little.
    count = len(newer) + max(0, len(found) - len(newer) - watched.seen)
    return UnseenCount(min(count, MOST), count > MOST, timeline.order.moves)


def entries_since(timeline: Timeline, cursor: str) -> UnseenEntries:
    """The kwips since the page of the cursor, and those on it. Raises `BadCursor`.

    If there are more than the limit of `_beyond`, they are those nearest to the cursor: the oldest.

    The page's script leaves out what it has: an entry on the page may be newer than one that is not.
    """
    watched = _decode(timeline, cursor)
    rows = _beyond(timeline, watched)[::-1]  # the nearest to the cursor was first
    if isinstance(watched.floor, datetime.datetime):
        as_of = moving.as_of(timeline.order, rows, from_the_top=True)
        return UnseenEntries(rows, _activity_cursor(timeline, rows, as_of or watched.floor))
    place: Position = (watched.floor, len(rows))
    if len(rows) > PAGE_SIZE:
        place = (*timeline.order.position_of(rows[PAGE_SIZE - 1]), PAGE_SIZE - 1)
    return UnseenEntries(rows, encode(_watch_order(timeline), place))


class _Watched(NamedTuple):
    """The values of a cursor; ``newest`` by activity."""

    floor: Value
    newest: datetime.datetime | None
    seen: int


def _decode(timeline: Timeline, cursor: str) -> _Watched:
    floor, *middle, seen = decode(_watch_order(timeline), cursor)
    newest = middle[0] if middle else None
    if not isinstance(seen, int) or not 0 <= seen <= PAGE_SIZE or isinstance(newest, int):
        raise BadCursor
    return _Watched(floor, newest, seen)


def _beyond(timeline: Timeline, watched: _Watched) -> list[Entry]:
    """The kwips beyond the position, the nearest first."""
    position = (watched.floor, LARGEST) if timeline.order.moves else (watched.floor,)
    return list(timeline.fetch(Seek(timeline.order, position, backward=True, limit=watched.seen + MOST + 1)))


def _watch_order(timeline: Timeline) -> KeysetOrder:
    keys = _WATCHED_ACTIVE if timeline.order.moves else _WATCHED
    return KeysetOrder(f"{timeline.order.name}, watched", keys=keys)


def _activity_cursor(timeline: Timeline, rows: list[Entry], as_of: datetime.datetime | None) -> str:
    """Of a page that has these rows; it was empty if ``as_of`` is None."""
    as_of = as_of or _LONG_AGO
    later = moving.moved_since(timeline.order, rows, as_of)
    newest = moving.first_key(timeline.order, later[0]) if later else as_of
    # Of more than a page, some count again: rather than too few.
    return encode(_watch_order(timeline), (as_of, newest, min(len(later), PAGE_SIZE)))

"""Counts the kwips that are new since a page was rendered, for the line above the page.

Ids are assigned before their rows commit: while a page shows kwip 8, kwip 7 may not be committed yet. A
count of ids above the newest one would miss it. So the count starts at the page's *oldest* kwip or share and
subtracts those on the page. A kwip that commits after a whole page of newer ones was rendered is not
counted; it appears further down.
"""

from dataclasses import dataclass

from django.utils.translation import ngettext

from apps.feeds.queries import PAGE_SIZE, Timeline
from apps.feeds.statements import Entry
from apps.keyset import SMALLEST, BadCursor, Key, KeysetOrder, Page, Seek, decode, encode
from apps.keyset.cursor import Value

_WATCHED = (Key("id"), Key("seen"))

# Above this it is "20+".
MOST = 20


@dataclass(frozen=True, slots=True)
class UnseenCount:
    count: int
    more: bool

    @property
    def label(self) -> str:
        if not self.count:
            return ""
        shown = f"{self.count}+" if self.more else str(self.count)
        return ngettext("%(shown)s new kwip", "%(shown)s new kwips", self.count) % {"shown": shown}


@dataclass(frozen=True, slots=True)
class UnseenEntries:
    """``cursor`` is the one of a page that shows these entries, too."""

    items: list[Entry]
    cursor: str


def watch_cursor(timeline: Timeline, page: Page[Entry]) -> str:
    """The cursor for `since`; "" if the page is not the first or not ordered by id."""
    if not page.is_first or timeline.sort:
        return ""
    # If the list ends on this page, every later kwip is new.
    [oldest] = timeline.order.position_of(page.items[-1]) if page.older else (SMALLEST,)
    seen = len(page) - 1 if page.older else len(page)
    return encode(_watch_order(timeline), (oldest, seen))


def since(timeline: Timeline, cursor: str) -> UnseenCount:
    """The kwips that are new since the page of the cursor. Raises `BadCursor`."""
    _, seen, found = _found(timeline, cursor)
    # Kwips on the page may have been deleted since.
    count = max(0, len(found) - seen)
    return UnseenCount(min(count, MOST), more=count > MOST)


def entries_since(timeline: Timeline, cursor: str) -> UnseenEntries:
    """The newest kwips since the page of the cursor, and those on it. Raises `BadCursor`.

    The page's script leaves out what it has: an entry on the page may be newer than one that is not.
    """
    floor, _, found = _found(timeline, cursor)
    if len(found) > PAGE_SIZE:
        newest = found[-PAGE_SIZE:]  # the nearest to the cursor is first
        [floor], seen = timeline.order.position_of(newest[0]), PAGE_SIZE - 1
    else:
        seen = len(found)
    return UnseenEntries(found[::-1], encode(_watch_order(timeline), (floor, seen)))


def _found(timeline: Timeline, cursor: str) -> tuple[Value, int, list[Entry]]:
    """The position and the number of kwips that a cursor has, and the kwips beyond it, the nearest first."""
    floor, seen = decode(_watch_order(timeline), cursor)
    if not isinstance(seen, int) or seen > PAGE_SIZE:
        raise BadCursor
    found = timeline.fetch(Seek(timeline.order, (floor,), backward=True, limit=seen + MOST + 1))
    return floor, seen, list(found)


def _watch_order(timeline: Timeline) -> KeysetOrder:
    return KeysetOrder(f"{timeline.order.name}, watched", keys=_WATCHED)

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
    floor, seen = decode(_watch_order(timeline), cursor)
    if not isinstance(seen, int) or seen > PAGE_SIZE:
        raise BadCursor
    found = timeline.fetch(Seek(timeline.order, (floor,), backward=True, limit=seen + MOST + 1))
    # Kwips on the page may have been deleted since.
    count = max(0, len(found) - seen)
    return UnseenCount(min(count, MOST), more=count > MOST)


def _watch_order(timeline: Timeline) -> KeysetOrder:
    return KeysetOrder(f"{timeline.order.name}, watched", keys=_WATCHED)

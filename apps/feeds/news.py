"""How many kwips are new since a page was shown, for a line above a page that stays as it is.

Ids are given out before their rows commit: while a page shows kwip 8, kwip 7 may still be on its way. Whoever
counted "above the newest one shown" would never see it. So a page is watched from its *oldest* kwip, and what
stood on the page is taken off: the overlap is the whole page. A kwip that commits so late that a page of
newer ones is shown before it is counted by nobody; it is found where it belongs, further down.
"""

from dataclasses import dataclass

from django.utils.translation import ngettext

from apps.feeds.queries import PAGE_SIZE, Timeline
from apps.feeds.statements import Entry
from apps.keyset import BadCursor, Key, KeysetOrder, Page, Seek, decode, encode

# More than these nobody counts: it is "20+".
MOST = 20


@dataclass(frozen=True, slots=True)
class News:
    count: int
    more: bool

    @property
    def label(self) -> str:
        """What the line says; "" where there is nothing new."""
        if not self.count:
            return ""
        shown = f"{self.count}+" if self.more else str(self.count)
        return ngettext("%(shown)s new kwip", "%(shown)s new kwips", self.count) % {"shown": shown}


def watched(timeline: Timeline, page: Page[Entry]) -> str:
    """The cursor to ask `since` with; "" where the page is not the first, or not in the order of ids."""
    if not page.is_first or timeline.sort:
        return ""
    # Where the list ends on this page, whatever comes is new.
    floor, seen = (page.items[-1].id, len(page) - 1) if page.older else (0, len(page))
    return encode(_watching(timeline), (floor, seen))


def since(timeline: Timeline, cursor: str) -> News:
    """What came to the timeline after a page was shown. Raises `BadCursor`."""
    floor, seen = decode(_watching(timeline), cursor)
    if not isinstance(seen, int) or seen > PAGE_SIZE:
        raise BadCursor
    found = timeline.fetch(Seek(timeline.order, (floor,), backward=True, limit=seen + MOST + 1))
    # What was on the page may have been deleted since.
    count = max(0, len(found) - seen)
    return News(min(count, MOST), more=count > MOST)


def _watching(timeline: Timeline) -> KeysetOrder:
    return KeysetOrder(f"{timeline.order.name}, watched", keys=(Key("id"), Key("seen")))

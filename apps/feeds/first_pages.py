"""The first page of a network, from the one that its viewer read before and the kwips that are newer.

The two plans cost most where followees stopped writing: plan 1 finds nothing in its window, and plan 2 looks
up each followee. So where plan 1 does not fill a viewer's first page, the cache holds the page's ids, and
``sql/network_kept.sql`` reads only the kwips above its *floor*::

    floor 900                                more than 200 newer, or another graph?
    kept page: 871 640 12 ──┐                  ├─ yes ─► plan 1, plan 2, a new kept page
    newer: (941) 930 (902) ─┴─► 930 871 640 ───┴─ no

That statement does not trust the cached entry. It checks each kept id again: follow, mute, block, visibility.
Kwips and shares have ids of one sequence. Shares that earlier ones hide are kept too: such a share appears
when the earlier one is taken back, or its sharer no longer followed. The statement cannot find an older kwip
that *became* visible, which happens in two ways:

- The kwip was hidden. The entry has the viewer's graph as a text (``sql/graph.sql``), which the
  statement compares in its own snapshot. So no write deletes the entry, and a lost delete does no harm.
  While the viewer silences words there is no such text, and no page is kept: an edit may take a word away.
- The kwip committed late: kwips with higher ids committed before it. So the entry has a *mark*: the newest
  kwip and the next transaction id of a snapshot. The mark becomes the floor in a later snapshot, once every
  transaction below that id has ended, however long it took.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from django.conf import settings
from django.db import connection, transaction

from apps import lookaside
from apps.feeds.keys import network_first_page
from apps.feeds.statements import SQL, Entry, run
from apps.keyset import Seek

NEWER = 200  # the most newer kwips that a page joins
RENEWED_AFTER = 100  # with more newer kwips it is kept anew
SHARES = 250  # a page among more shares than about so many is not kept
NONE_TTL = 300  # seconds during which plan 1 is tried first

type Plan = Callable[[Seek], list[Entry]]


class Kept(NamedTuple):
    """A first page as the cache holds it."""

    graph: str | None
    floor: int
    # The network's newest up to the floor, in the snapshot of `graph`; and hidden shares among them.
    ids: Sequence[int]
    is_all: bool  # the network has none that are older
    # The mark: see the module.
    newest: int
    next_xid: int


class Horizon(NamedTuple):
    """What `horizon.sql` reads."""

    graph: str | None
    newest: int
    oldest_xid: int
    next_xid: int


def fetch(seek: Seek, viewer_id: int, window: Plan, people: Plan) -> list[Entry]:
    """The first page: from the kept one, else by plan 1 (`window`) if that fills it, else by plan 2."""
    cache, key = lookaside.cache(), network_first_page(viewer_id)
    if not settings.NETWORK_FIRST_PAGES or lookaside.bypassing() or cache.is_down([key]):
        return _full(window(seek), seek) or people(seek)
    read: list[list[Entry]] = []

    def read_anew(before: Kept | None = None, *, is_short: bool = False) -> Kept | None:
        page, kept = None if is_short else _full(window(seek), seek), None
        if page is None:
            page, kept = renewed(seek, viewer_id, people, before)
        read.append(page)
        return kept

    # None is cached where plan 1 filled the page, or none can be kept. A second reader does not wait for the
    # first.
    found: Any = cache.get_or_compute(key, read_anew, none_ttl=NONE_TTL, waits=())
    if read:
        return read[0]
    if found is None:
        before, is_due = None, (page := _full(window(seek), seek)) is None
    else:
        before = Kept(*found)
        page, is_due = joined(seek, viewer_id, before)
    if is_due or page is None:
        cache.get_or_compute(
            key,
            lambda: read_anew(before, is_short=before is None),
            none_ttl=NONE_TTL,
            waits=(),
            replace=True,
        )
        return read[0]
    return page


def _full(page: list[Entry], seek: Seek) -> list[Entry] | None:
    return page if len(page) == seek.limit else None


def joined(seek: Seek, viewer_id: int, kept: Kept) -> tuple[list[Entry] | None, bool]:
    """The page from a kept one, None if that is not exact; and whether it is due to be kept anew."""
    page = run(
        "network_kept",
        seek,
        viewer_id=viewer_id,
        floor=kept.floor,
        kept=kept.ids,
        graph=kept.graph,
        most=NEWER,
    )
    newer = page[0].newer if page else None
    # Below the lowest kept id the network is not known.
    is_exact = len(page) == seek.limit or (newer is not None and kept.is_all)
    return page if is_exact else None, not is_exact or newer is None or newer > RENEWED_AFTER


def renewed(
    seek: Seek, viewer_id: int, people: Plan, before: Kept | None = None
) -> tuple[list[Entry], Kept | None]:
    """The page, and the page to keep in place of ``before``."""
    most = SHARES + seek.limit
    marks: list[Kept | Horizon] = [_horizon(viewer_id), *([before] if before else [])]
    with _one_snapshot():
        now = _horizon(viewer_id)
        page = joined(seek, viewer_id, before)[0] if before else None
        # Whether the kept ids are part of the page, and so all of the network's shares among them.
        is_joined = bool(page and page[0].newer is not None)
        if page is None:
            page = people(seek)
        floor, mark = before.floor if before else 0, marks[-1]
        if ended := [it.newest for it in marks if it.next_xid <= now.oldest_xid]:
            floor, mark = max(ended), now
        is_all = len(page) < seek.limit
        above = 0 if is_all else _place(page[-1])
        if before and is_joined:
            shares = _shares("shares_since", viewer_id, max(above, before.floor), floor, most)
            shares += [place for place in before.ids if above < place <= floor]
        else:
            shares = _shares("shares_of_network", viewer_id, above, floor, most)
    ids = {place for place in map(_place, page) if place <= floor}.union(shares)
    if len(ids) >= most or now.graph is None:
        return page, None
    return page, Kept(now.graph, floor, sorted(ids, reverse=True), is_all, mark.newest, mark.next_xid)


def _place(entry: Entry) -> int:
    assert entry.place is not None  # noqa: S101 - the network's files return it
    return entry.place


def _shares(statement: str, viewer_id: int, above: int, upto: int, most: int) -> list[int]:
    """The newest shares of the network between two ids, hidden ones among them."""
    with connection.cursor() as cursor:
        parameters = {"viewer": viewer_id, "above": above, "upto": upto, "most": most}
        SQL.statement(statement).execute_prepared(cursor, parameters)
        return [place for (place,) in cursor.fetchall()]


def _horizon(viewer_id: int) -> Horizon:
    with connection.cursor() as cursor:
        SQL.statement("horizon").execute_prepared(cursor, {"viewer": viewer_id})
        return Horizon(*cursor.fetchone())


@contextmanager
def _one_snapshot() -> Iterator[None]:
    """All statements inside read the same snapshot."""
    with transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        yield

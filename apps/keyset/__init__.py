"""Keyset (seek) pagination: page 1,000 costs what page 1 costs. No COUNT, no OFFSET.

In one minute: a page starts after the sort key of the last row that the visitor saw, which the link to the
page carries as a *cursor*. The database finds that place in an index and reads one page of rows and one
more, which says whether there is a next page.

    index (id DESC)    99 98 97 96 │ 95 94 93 │ 92 91 …
                                   ▲          ▲
    ?before=<96>  →  id < 96       └─ a page ─┴─ row n+1: there is an older page

Read in this order: `cursor.py` (an order, a cursor), `page.py` (`paginate`), `moving.py`, `sources.py`.

Problem (2008)
    Kwippy cut its lists by OFFSET. PostgreSQL reads every row before an OFFSET, so page 1,000 costs a
    thousand pages. A row published between two clicks shifts all pages.

Mechanism
    ``WHERE id < cursor ORDER BY id DESC LIMIT n+1``. Compound orders compare row values, ``(last_active_at,
    id) < (…)``, all columns in one direction. The previous page is the same SQL in the opposite direction,
    its rows reversed in Python; a `.sql` file has holes for both: ``k.id {beyond} %(cursor_id)s ORDER BY
    k.id {order}``, filled from `Seek.beyond` and `Seek.direction`.

    - `KeysetOrder` is a list and its order: name, keys, direction.
    - A cursor is a version, a checksum over the list's name and the values, and the values, in base64: valid
      for one list in one order. It is not signed: it never says what may be read.
    - If rows move up (`moves`), cursors carry *as of*, when the walk began. Its pages leave out rows that
      moved since; above the first is a link to a new walk.
    - `paginate` takes ``?before=`` or ``?after=`` and a fetch (`from_queryset` makes one), and returns a
      `Page`: items, and the query strings of both neighbours.
    - A `WeightLimit` ends a page early if its rows are too long together.

Switch
    None: a list uses `paginate` or `Paginator`.

Invariant
    Next links show every row that exists throughout exactly once, in order, whatever is inserted or deleted
    meanwhile; previous links show the same rows. One that moved may be above
    "as of" instead. A position is checked before SQL.

When it fails
    A damaged cursor, or one of another list, raises `BadCursor`, an `Http404`. A previous page that reaches
    the start becomes the full first page. Keys are assigned before rows commit: a query for
    new rows overlaps (`apps.feeds.unseen`), "as of" is 10 seconds old.

How to measure
    ``make bench SUBJECT=timelines``: page 10,000 takes
    [0.99](docs/results/timelines.json "everyone_page_10000_times_as_long_as_page_1") times as long as page 1.
    Off is Django's `Paginator` (COUNT, OFFSET): from page 1,000 on
    [19.0](docs/results/ladder.json "from_page_1000_on_whole_times_as_fast_as_without_keyset") times.
"""

from apps.keyset.cursor import LARGEST, SMALLEST, BadCursor, Key, KeysetOrder, decode, encode, timestamp
from apps.keyset.page import Fetch, Page, Seek, WeightLimit, paginate
from apps.keyset.sources import from_queryset

__all__ = [
    "LARGEST",
    "SMALLEST",
    "BadCursor",
    "Fetch",
    "Key",
    "KeysetOrder",
    "Page",
    "Seek",
    "WeightLimit",
    "decode",
    "encode",
    "from_queryset",
    "paginate",
    "timestamp",
]

"""Keyset (seek) pagination: pages that neither count, nor offset, nor transfer what they do not show.

Problem (2008)
    Kwippy cut its lists by OFFSET and hid the costly COUNT behind a made-up total. PostgreSQL reads and
    throws away every row in front of an OFFSET, so page 1,000 costs a thousand pages; a row published
    between two clicks shifts every page, so that rows are seen twice; the made-up total led to empty pages
    and cut history off; a negative page number was an error 500.

Mechanism
    A page is read from a position: the sort key of the last row seen. ``WHERE id < position ORDER BY id
    DESC LIMIT n+1`` starts in the middle of an index and reads n+1 rows, wherever it is; row n+1 says
    whether there is more. Compound orders compare row values, ``(last_active_at, id) < (…)``, all columns
    in one direction. The page before is read by the same SQL turned around (`turned`), and reversed in
    Python.

    - `Listing` is a list and its order: its name, its key's columns, its direction.
    - A cursor is a position as text (`encode`, `decode`): a version, then 3 bytes of checksum over the
      list's name and the values, then the values as varints. It fits one list in one order. It is not a
      secret and not signed: it says where to start reading, never what may be read.
    - `paginate` takes ``?before=`` or ``?after=`` and a fetch (any callable; `from_queryset` makes one of
      a queryset) and gives a `Page`: items, and the query strings of the pages on either side.
    - A `Load` ends a page before its number of rows, where these weigh too much together (long texts). The
      n+1 rows are read all the same; a page is as many of them, from the cursor on, as it may carry.

Switch
    None in the settings: a list either names its `Listing` or it has no pages. `Paginator` in a view's
    place is the way back.

Invariant
    Walking from a page to the next and the next shows every row that was there throughout exactly once, in
    order, whatever is inserted or deleted meanwhile (a row whose sort key moves may be seen again or
    missed). Walking back shows the same rows. A position is checked before SQL: whole numbers of 0 to
    2**63-1, times between 1970 and tomorrow. A page costs the same at any depth.

When it fails
    A damaged cursor, one of another list or order, one of a later version: `BadCursor`, which is an
    `Http404`; the same address without its query is the way back. A cursor whose row is gone still works:
    it is a place, not a row. A page of newer rows that reaches the start is the first page, full. A page
    beyond the end is empty, and its link to newer rows leads to the first page. Ids are given out before
    rows commit, so that a row may appear just below a position already passed: whoever asks for what is
    new has to look again at a stretch that they have seen (the feeds' "n new kwips" do).

How to measure
    ``python -m bench timelines``: page 1 and page 10,000 here and with `Paginator`. By hand: ``manage.py
    explainfeeds``.
"""

from apps.keyset.cursor import BadCursor, Key, Listing, decode, encode, moment
from apps.keyset.page import Fetch, Load, Page, Seek, paginate
from apps.keyset.sources import from_queryset, turned

__all__ = [
    "BadCursor",
    "Fetch",
    "Key",
    "Listing",
    "Load",
    "Page",
    "Seek",
    "decode",
    "encode",
    "from_queryset",
    "moment",
    "paginate",
    "turned",
]

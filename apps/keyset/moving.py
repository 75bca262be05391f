"""Lists whose rows move up while a visitor reads: a walk of their pages is a walk of the list as it was.

A walk begins with a first page, whose links carry *as of*, the moment at which it was read. A row that moved
since has a first key above it, wherever it was before. Pages of the walk leave such rows out: on the way to
older pages they are above the cursor; on the way back `paginate` ends at them. So no page of the walk shows a
row at a second place. The rows above "as of" are read from the top, in a new walk.
"""

import datetime
from collections.abc import Sequence

from apps.keyset.cursor import KeysetOrder

# A key is assigned before its row commits. What was read may lack keys that are so much older than it.
COMMITTED_AFTER = datetime.timedelta(seconds=10)


def first_key(order: KeysetOrder, row: object) -> datetime.datetime:
    """The key that grows when the row moves."""
    return order.position_of(row)[0]  # type: ignore[return-value]


def as_of(order: KeysetOrder, rows: Sequence[object], *, from_the_top: bool) -> datetime.datetime | None:
    """When a walk began that begins with these rows; None if the list does not move, or has no rows.

    No row gets an older first key later, except by a transaction that was open for `COMMITTED_AFTER`.
    """
    if not (order.moves and rows):
        return None
    read_at: datetime.datetime = rows[0].read_at  # type: ignore[attr-defined]
    committed = read_at - COMMITTED_AFTER
    # At the top no row is between the two. The earlier one stays the same until a row moves.
    return min(first_key(order, rows[0]), committed) if from_the_top else committed


def moved_since[T](order: KeysetOrder, rows: Sequence[T], moment: datetime.datetime) -> list[T]:
    """Those of the rows whose first key is after the moment."""
    return [row for row in rows if first_key(order, row) > moment]

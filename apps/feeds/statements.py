"""Runs the .sql file of a timeline in one direction; prepared once a connection."""

import datetime
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from apps.keyset import Key, Seek
from apps.kwips import controls
from apps.kwips.visibility import ANYONE, THREAD_VISIBLE_SQL, VISIBLE_SQL, Visible
from apps.statements import Sql, SqlFolder, Statement

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "feeds",
    visible=Sql(VISIBLE_SQL, {}),
    thread_visible=Sql(THREAD_VISIBLE_SQL, {}),
)


class Entry(NamedTuple):
    """What a timeline reads of a kwip: the key of its card, and its position."""

    id: Visible
    version: int
    authors_version: int  # of its author plus, for a comment, of the author of its thread
    # The ids of mentioned people who are deactivated.
    unlinked: Sequence[int] = ()
    last_active_at: datetime.datetime | None = None
    favourite_id: int | None = None
    characters: int = 0  # shown in a conversation
    # The names of the controls that the viewer marked it with; None for an anonymous visitor.
    marks: Sequence[str] | None = None
    # How many kwips are newer than the kept first page, on a page that was read from one.
    newer: int | None = None


_DEFAULTS = tuple(Entry._field_defaults.values())


def run(
    name: str, seek: Seek, *, viewer_id: int | None, **parameters: int | str | Sequence[int]
) -> list[Entry]:
    """The entries of the file ``name`` beyond the position of the seek, the nearest first."""
    with connection.cursor() as cursor:
        statement(name, seek.order.keys, seek.beyond, seek.direction).execute_prepared(
            cursor, parameters | seek.parameters | {"viewer": viewer_id or ANYONE}
        )
        take = _fields(tuple([column.name for column in cursor.description]))
        return [Entry._make(take(row + _DEFAULTS)) for row in cursor.fetchall()]


@cache
def _fields(columns: tuple[str, ...]) -> Callable[[tuple[Any, ...]], tuple[Any, ...]]:
    """Takes the fields of an `Entry` out of a row with these columns that is followed by `_DEFAULTS`."""
    places = {name: len(columns) + place for place, name in enumerate(Entry._field_defaults)}
    places |= {name: place for place, name in enumerate(columns)}
    return itemgetter(*[places[name] for name in Entry._fields])


@cache
def statement(name: str, keys: tuple[Key, ...], beyond: str, direction: str) -> Statement:
    """The statement of a file. It is the same for all pages: the cursor of page 1 is before all rows."""
    ids = SQL.load(name, beyond=beyond, order=direction)
    page_order = ", ".join(f"page.{key.name} {direction}" for key in keys)
    entries = SQL.load("entries", ids=ids, page_order=page_order, marks=controls.marks_sql())
    return entries.statement(f"{name}.sql", f"feeds_{name}_{direction.lower()}")

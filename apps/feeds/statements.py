"""The .sql files as statements: their fragments filled in, and read in both directions."""

import datetime
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import NamedTuple

from django.db import connection

from apps.keyset import Key, Seek, turned
from apps.kwips.visibility import ANYONE, THREAD_VISIBLE_SQL, VISIBLE_SQL, Visible
from apps.statements import Prepared

_DIRECTORY = Path(__file__).parent / "sql"


# All other parameters are bigint.
_TYPES = {"tag": "text", "cursor_last_active_at": "timestamptz"}


class Entry(NamedTuple):
    """What a timeline knows of a kwip: enough to find its card and to go on from it."""

    id: Visible
    version: int
    authors_version: int  # of its author, and of whose kwip a comment is about
    # The ids of the people whom it mentions and who are switched off.
    unlinked: Sequence[int] = ()
    last_active_at: datetime.datetime | None = None
    favourite_id: int | None = None
    characters: int = 0  # that a conversation shows of it


def run(name: str, seek: Seek, *, viewer_id: int | None, **parameters: int | str) -> list[Entry]:
    """The entries that the file ``name`` finds beyond the seek's position, the nearest first: one query."""
    upward = seek.listing.oldest_first != seek.backward
    with connection.cursor() as cursor:
        statement(name, seek.listing.by, upward=upward).execute(
            cursor, parameters | seek.parameters | {"viewer": viewer_id or ANYONE}
        )
        names = [column.name for column in cursor.description]
        return [Entry(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


@cache
def statement(name: str, keys: tuple[Key, ...], *, upward: bool) -> Prepared:
    """The SQL of one file in one direction. It is constant: a first page passes a cursor before all rows."""
    ids = _text(name)
    if upward != ("ASC" in ids):
        ids = turned(ids)
    # After the turn, so that the fragments may compare as they like.
    ids = ids.replace("{unmuted}", _text("unmuted")).replace("{switched_on}", _text("switched_on"))
    ids = ids.replace("{visible}", VISIBLE_SQL)
    ids = ids.replace("{thread_visible}", THREAD_VISIBLE_SQL)
    order = ", ".join(f"page.{key.name} {'ASC' if upward else 'DESC'}" for key in keys)
    sql = _text("entries").replace("{ids}", ids).replace("{order}", order)
    return Prepared(f"{name}.sql", f"feeds_{name}_{'up' if upward else 'down'}", sql, _TYPES)


def _text(name: str) -> str:
    lines = (_DIRECTORY / f"{name}.sql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))

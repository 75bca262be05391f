"""The .sql files as statements: their fragments filled in, read in both directions, and prepared.

A timeline's statement is long, and PostgreSQL takes as long to plan it as to run it. So each connection prepares
it once (`PREPARE`), and runs it by its name from then on; with `PREPARED_STATEMENTS` off in the settings it is
sent whole each time, as is needed behind a PgBouncer that hands out connections by the transaction.
"""

import datetime
import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection

from apps.keyset import Key, Seek, turned
from apps.kwips.visibility import ANYONE, VISIBLE_SQL

_DIRECTORY = Path(__file__).parent / "sql"


class Entry(NamedTuple):
    """What a timeline knows of a kwip: enough to find its card and to go on from it."""

    id: int
    version: int
    author_version: int
    last_active_at: datetime.datetime | None = None
    favourite_id: int | None = None


def run(name: str, seek: Seek, *, viewer_id: int | None, **parameters: int | str) -> list[Entry]:
    """The entries that the file ``name`` finds beyond the seek's position, the nearest first: one query."""
    upward = seek.listing.oldest_first != seek.backward
    with connection.cursor() as cursor:
        if settings.PREPARED_STATEMENTS:
            sql = _prepared(name, seek.listing.by, upward=upward)
        else:
            sql = statement(name, seek.listing.by, upward=upward)
        cursor.execute(sql, parameters | seek.parameters | {"viewer": viewer_id or ANYONE})
        names = [column.name for column in cursor.description]
        return [Entry(**dict(zip(names, row, strict=True))) for row in cursor.fetchall()]


# What each connection to PostgreSQL has prepared. A connection that is closed is forgotten with its statements.
_on_connection: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()
_PARAMETER = re.compile(r"%\((\w+)\)s")
# All others are bigint.
_TYPES = {"tag": "text", "cursor_last_active_at": "timestamptz"}


def _prepared(name: str, keys: tuple[Key, ...], *, upward: bool) -> str:
    """The statement that runs the file's statement by its name, after preparing it where that was not done.

    Must be called with the connection open. The preparing is no query of the page's: it happens once.
    """
    prepare, execute = _prepared_sql(name, keys, upward=upward)
    raw = connection.connection
    done = _on_connection.setdefault(raw, set())
    if execute not in done:
        with raw.cursor() as cursor:
            cursor.execute(prepare)
        done.add(execute)
    return execute


@cache
def _prepared_sql(name: str, keys: tuple[Key, ...], *, upward: bool) -> tuple[str, str]:
    """PREPARE and EXECUTE of one file in one direction."""
    sql = statement(name, keys, upward=upward)
    places = {parameter: place for place, parameter in enumerate(dict.fromkeys(_PARAMETER.findall(sql)), 1)}
    body = _PARAMETER.sub(lambda found: f"${places[found[1]]}", sql).replace("%%", "%")
    types = ", ".join(_TYPES.get(parameter, "bigint") for parameter in places)
    called = f"feeds_{name}_{'up' if upward else 'down'}"
    values = ", ".join(f"%({parameter})s" for parameter in places)
    return f"PREPARE {called} ({types}) AS {body}", f"/* {name}.sql */ EXECUTE {called} ({values})"


@cache
def statement(name: str, keys: tuple[Key, ...], *, upward: bool) -> str:
    """The SQL of one file in one direction. It is constant: a first page passes a cursor before all rows."""
    ids = _text(name)
    if upward != ("ASC" in ids):
        ids = turned(ids)
    # After the turn, so that the fragments may compare as they like.
    ids = ids.replace("{unmuted}", _text("unmuted")).replace("{visible}", VISIBLE_SQL)
    order = ", ".join(f"page.{key.name} {'ASC' if upward else 'DESC'}" for key in keys)
    # The name is for whoever reads PostgreSQL's logs and statistics.
    return f"/* {name}.sql */ " + _text("entries").replace("{ids}", ids).replace("{order}", order)


def _text(name: str) -> str:
    lines = (_DIRECTORY / f"{name}.sql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.startswith("--"))

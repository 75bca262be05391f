"""The right column of first pages: who writes now, and the conversations with something new for the viewer.
A person's page has faces of whom they follow, and of who follows them.

Each process keeps the ids of who wrote last, for `SECONDS`. They are candidates: one statement, for each
viewer, checks each of them and reads names and pictures. So no write has to invalidate them. An app above
adds its rows to that statement (`more`).
"""

import datetime
import time
from functools import cache, lru_cache
from typing import Any, NamedTuple

from django.db import connection

from apps.accounts.models import User
from apps.feeds.statements import SQL
from apps.kwips import formatting
from apps.kwips.visibility import ANYONE
from apps.plaintext import safe
from apps.statements import Sql, Statement

# SELECTs with the columns of `side.sql`. An app above adds its own in `AppConfig.ready`.
more: list[Sql] = []

SECONDS = 60
FACES = 18
FOLLOWS = 12  # faces of followees, and of followers
CANDIDATES = 2 * FACES  # some are blocked or muted
WINDOW = 500  # kwips in which they are looked for

# The context of `_side.html` where a view adds nothing.
EMPTY: dict[str, Any] = dict.fromkeys(("around", "talks", "following", "followers"), ())

# The candidates, and when they were read.
kept: dict[str, tuple[float, str]] = {}


class Face(NamedTuple):
    username: str
    name: str
    avatar: str


class Talk(NamedTuple):
    """A conversation, and when its first new comment was noticed."""

    url: str
    words: str
    since: datetime.datetime


def side(viewer_id: int | None) -> dict[str, Any]:
    """The context of `_side.html`: one prepared statement."""
    parameters = {"viewer": viewer_id or ANYONE, "around": _candidates(), "faces": FACES}
    with connection.cursor() as cursor:
        _statement().execute_prepared(cursor, parameters)
        around, talks = _faces_and_talks(tuple(cursor.fetchall()))
    return {"around": around, "talks": talks}


def follows(person: User, viewer_id: int | None) -> dict[str, Any]:
    """The context of `_side.html` on a person's page, for a viewer who may see whom they follow."""
    parameters = {"viewer": viewer_id or ANYONE, "person": person.pk, "faces": FOLLOWS}
    with connection.cursor() as cursor:
        SQL.statement("follows").execute_prepared(cursor, parameters)
        rows = cursor.fetchall()
    return {
        section: tuple(Face(row[1], safe(row[2]), row[3]) for row in rows if row[0] == section)
        for section in ("following", "followers")
    }


# Most members get the same rows, until the next kwip.
@lru_cache(maxsize=500)
def _faces_and_talks(rows: tuple[tuple[Any, ...], ...]) -> tuple[tuple[Face, ...], tuple[Talk, ...]]:
    faces, talks = [], []
    for section, _, username, name, avatar, kwip_id, since, is_formatted in rows:
        if section == "face":
            faces.append(Face(username, safe(name), avatar))
        else:
            talks.append(
                Talk(
                    f"/{username}/kwip/{kwip_id}/",
                    formatting.excerpt(name, formatted=is_formatted) or "…",
                    since,
                )
            )
    return tuple(faces), tuple(talks)


def _candidates() -> str:
    """The ids as an array of PostgreSQL, which takes the driver a tenth of a list's time."""
    read_at, ids = kept.get("ids", (-SECONDS, ""))
    if time.monotonic() - read_at >= SECONDS:
        with connection.cursor() as cursor:
            parameters = {"viewer": ANYONE, "window": WINDOW, "limit": CANDIDATES}
            SQL.statement("around").execute_prepared(cursor, parameters)
            ids = f"{{{','.join(str(pk) for (pk,) in cursor.fetchall())}}}"
        kept["ids"] = time.monotonic(), ids
    return ids


@cache
def _statement() -> Statement:
    """All apps are ready before the first request."""
    added = "\n".join(f"UNION ALL\n({part.text})" for part in more)
    types = {name: of for part in more for name, of in part.types.items()}
    return SQL.load("side", more=Sql(added, types)).statement("side.sql", "feeds_side")

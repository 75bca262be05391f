"""The right column of first pages: who writes now, and the conversations with something new for the viewer.
A person's page has faces of whom they follow, and of who follows them.

Each process keeps the ids of who wrote last, for `SECONDS`. They are candidates: one statement, for each
viewer, checks each of them and reads names and pictures. So no write has to invalidate them. An app above
adds its rows to that statement (`more`).
"""

import datetime
import time
from functools import cache
from typing import Any, NamedTuple

from django.db import connection

from apps.accounts.models import User
from apps.feeds.statements import SQL
from apps.kwips.text import excerpt
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

# The candidates, and when they were read.
kept: dict[str, tuple[float, list[int]]] = {}


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
    faces, talks = [], []
    parameters = {"viewer": viewer_id or ANYONE, "around": _candidates(), "faces": FACES}
    with connection.cursor() as cursor:
        _statement().execute_prepared(cursor, parameters)
        for section, _, username, name, avatar, kwip_id, since in cursor.fetchall():
            if section == "face":
                faces.append(Face(username, safe(name), avatar))
            else:
                talks.append(Talk(f"/{username}/kwip/{kwip_id}/", excerpt(name) or "…", since))
    return {"around": faces, "talks": talks}


def follows(person: User, viewer_id: int | None) -> dict[str, Any]:
    """The context of `_side.html` on a person's page, for a viewer who may see whom they follow."""
    found: dict[str, list[Face]] = {"following": [], "followers": []}
    parameters = {"viewer": viewer_id or ANYONE, "person": person.pk, "faces": FOLLOWS}
    with connection.cursor() as cursor:
        SQL.statement("follows").execute_prepared(cursor, parameters)
        for section, username, name, avatar in cursor.fetchall():
            found[section].append(Face(username, safe(name), avatar))
    return found


def _candidates() -> list[int]:
    read_at, ids = kept.get("ids", (-SECONDS, []))
    if time.monotonic() - read_at >= SECONDS:
        with connection.cursor() as cursor:
            parameters = {"viewer": ANYONE, "window": WINDOW, "limit": CANDIDATES}
            SQL.statement("around").execute_prepared(cursor, parameters)
            ids = [pk for (pk,) in cursor.fetchall()]
        kept["ids"] = time.monotonic(), ids
    return ids


@cache
def _statement() -> Statement:
    """All apps are ready before the first request."""
    added = "\n".join(f"UNION ALL\n({part.text})" for part in more)
    types = {name: of for part in more for name, of in part.types.items()}
    return SQL.load("side", more=Sql(added, types)).statement("side.sql", "feeds_side")

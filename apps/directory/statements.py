"""The .sql files of lists of people and tags."""

from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

from apps.accounts.models import User
from apps.accounts.statements import SQL as ACCOUNTS_SQL
from apps.feeds.statements import SQL as FEEDS_SQL
from apps.keyset import Seek
from apps.kwips import formatting
from apps.kwips.queries import loaded
from apps.kwips.visibility import ANYONE, VISIBLE_SQL
from apps.kwips.visibility import SQL as KWIPS_SQL
from apps.statements import Sql, SqlFolder, Statement

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "directory",
    visible=Sql(VISIBLE_SQL, {}),
    confirmed=ACCOUNTS_SQL.load("confirmed"),
    # The fragments about the author of the kwip `k`, for the person `u`.
    person_unblocked=Sql(KWIPS_SQL.load("unblocked").text.replace("k.author_id", "u.id"), {}),
    person_unmuted=Sql(FEEDS_SQL.load("unmuted").text.replace("k.author_id", "u.id"), {}),
)
_COLUMNS = ("id", "username", "display_name", "bio", "picture", "face", "is_private")


def people(name: str, seek: Seek, *, viewer_id: int | None) -> list[User]:
    """The people of the file ``name`` beyond the position of the seek, each with its ``place``."""
    return _people(_statement(name, seek.beyond, seek.direction), viewer_id, seek.parameters)


def first_people(name: str, *, viewer_id: int, limit: int) -> list[User]:
    """The first people of a file without pages, each with ``kwip_id`` and ``words`` of their newest kwip."""
    with connection.cursor() as cursor:
        SQL.statement(name).execute_prepared(cursor, {"viewer": viewer_id, "limit": limit})
        rows = cursor.fetchall()
    people = [_person(row[:-3]) for row in rows]
    for person, (*_, kwip_id, beginning, is_formatted) in zip(people, rows, strict=True):
        person.kwip_id = kwip_id  # type: ignore[attr-defined]
        words = formatting.excerpt(beginning or "", formatted=bool(is_formatted), words=24)
        person.words = words  # type: ignore[attr-defined]
    return people


def ids(name: str, **parameters: int) -> list[int]:
    """The ids that a file finds for everyone."""
    with connection.cursor() as cursor:
        SQL.statement(name).execute(cursor, {"viewer": ANYONE, **parameters})
        return [found for (found,) in cursor.fetchall()]


def _people(statement: Statement, viewer_id: int | None, parameters: dict[str, Any]) -> list[User]:
    with connection.cursor() as cursor:
        statement.execute_prepared(cursor, parameters | {"viewer": viewer_id or ANYONE})
        return [_person(row) for row in cursor.fetchall()]


def _person(row: tuple[Any, ...]) -> User:
    *columns, place, followed_by = row
    person = loaded(User, **dict(zip(_COLUMNS, columns, strict=True)))
    person.place, person.followed_by = place, followed_by  # type: ignore[attr-defined]
    return person


@cache
def _statement(name: str, beyond: str, direction: str) -> Statement:
    sql = SQL.load(name, beyond=beyond, order=direction)
    return sql.statement(f"{name}.sql", f"directory_{name}_{direction.lower()}")

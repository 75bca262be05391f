"""Runs the .sql file of a timeline in one direction; prepared once a connection."""

import datetime
import re
from collections.abc import Callable, Sequence
from functools import cache
from operator import itemgetter
from pathlib import Path
from typing import Any, NamedTuple

from django.db import connection

from apps.keyset import Key, Seek
from apps.kwips import controls, muted_words
from apps.kwips.visibility import ANYONE, THREAD_VISIBLE_SQL, VISIBLE_SQL, Visible, over
from apps.kwips.visibility import SQL as KWIPS_SQL
from apps.statements import Sql, SqlFolder, Statement

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "feeds",
    visible=Sql(VISIBLE_SQL, {}),
    thread_visible=Sql(THREAD_VISIBLE_SQL, {}),
    unblocked=KWIPS_SQL.load("unblocked"),
    unlimited=KWIPS_SQL.load("unlimited"),
    shared_visible=Sql(over("shared"), {}),
)


# The fragments about the author of `k`, for the other people that `shared.sql` is about.
for _alias, _person in (("earlier", "sharer_id"), ("person", "author_id"), ("shared", "author_id")):
    for _fragment in ("in_network", "unblocked", "unmuted", "switched_on"):
        _text = (SQL.fragments.get(_fragment) or SQL.load(_fragment)).text
        SQL.fragments[f"{_alias}_{_fragment}"] = Sql(_text.replace("k.author_id", f"{_alias}.{_person}"), {})
# Of a person's list of what others wrote.
SQL.fragments["owner_unblocked"] = Sql(
    SQL.fragments["unblocked"].text.replace("k.author_id", "%(person)s"), {}
)

# Of lists of kwips, of lists with comments, and of the comments of a conversation: it shows them although it
# is muted itself, since the viewer went there.
_TALKS = {
    "unsilenced": "k.id",
    "unsilenced_listed": "coalesce(k.thread_id, k.id)",
    "unsilenced_comments": "0",
}
for _fragment, _talk in _TALKS.items():
    SQL.fragments[_fragment] = SQL.load(
        "unsilenced", talk=_talk, unworded=muted_words.unworded("NOT m.is_muffled")
    )
SQL.fragments["shared_unsilenced"] = Sql(re.sub(r"\bk\.", "shared.", SQL.fragments["unsilenced"].text), {})


def _muffled(talk: str) -> Sql:
    return SQL.load(
        "muffled",
        talk=talk,
        muted_tags=muted_words.muted_tags("m.is_muffled"),
        muted_pattern=muted_words.pattern("m.is_muffled"),
        said=Sql(muted_words.said("page.id"), {}),
        folded=muted_words.folded("said.words"),
        letters=muted_words.LETTERS,
    )


SQL.fragments["muffled"] = _muffled("coalesce(kwip.thread_id, page.id)")
# One person's lists fold nothing: the viewer went there.
_NOTHING = Sql("NULL::text[]", {})
_MUFFLED = {"conversation": _muffled("0")} | dict.fromkeys(
    ("person", "person_active", "comments", "favourites", "shares", "bookmarks"), _NOTHING
)


# The author's user name, name and picture: of networks.
SQL.fragments["author"] = _NOTHING
_AUTHOR = dict.fromkeys(
    ("network_people", "network_window", "network_kept"),
    Sql("ARRAY[author.username, author.name, author.avatar]::text[]", {}),
)


class Entry(NamedTuple):
    """What a timeline reads of a kwip: the key of its card, and its position.

    ``place`` is the position where that is not the kwip's id: of a share, a favourite, a bookmark.
    """

    id: Visible
    version: int
    authors_version: int  # of its author plus, for a comment, of the author of its thread
    # The ids of mentioned people who are deactivated.
    unlinked: Sequence[int] = ()
    last_active_at: datetime.datetime | None = None
    # When a list by activity was read, by PostgreSQL's clock.
    read_at: datetime.datetime | None = None
    place: int | None = None
    # The user name and the name of who shared it, and whether the viewer muffles them; the name is empty if
    # it was the viewer.
    shared_by: Sequence[str] | None = None
    characters: int = 0  # shown in a conversation
    # The names of the controls that the viewer marked it with; None for an anonymous visitor.
    marks: Sequence[str] | None = None
    # Why the viewer muffles it: a kind of mute and a name.
    muffled: Sequence[str] | None = None
    # How many kwips are newer than the kept first page, on a page that was read from one.
    newer: int | None = None
    author: Sequence[str] | None = None


_DEFAULTS = tuple(Entry._field_defaults.values())


def run(
    name: str, seek: Seek, *, viewer_id: int | None, **parameters: int | str | Sequence[int] | None
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
    muffled = _MUFFLED.get(name, SQL.fragments["muffled"])
    author = _AUTHOR.get(name, _NOTHING)
    entries = SQL.load(
        "entries",
        ids=ids,
        page_order=page_order,
        marks=controls.marks_sql(),
        muffled=muffled,
        author=author,
    )
    return entries.statement(f"{name}.sql", f"feeds_{name}_{direction.lower()}")

"""The .sql files of search, and what it adds to the statements of new kwips and comments."""

from functools import cache
from pathlib import Path
from typing import Any

from apps.accounts.statements import SQL as ACCOUNTS_SQL
from apps.feeds.statements import SQL as FEEDS_SQL
from apps.kwips import controls, counted
from apps.kwips.visibility import SQL as KWIPS_SQL
from apps.kwips.visibility import THREAD_VISIBLE_SQL, VISIBLE_SQL
from apps.search.slices import DAYS, IDS
from apps.search.words import folded_name, vector
from apps.statements import Sql, SqlFolder, Statement

_DAY = "greatest(0, (made.created_at AT TIME ZONE 'UTC')::date - date '2000-01-01')"
_SLICES = (
    f"array_to_tsvector({IDS.sql('made.id')} || {DAYS.sql(_DAY)} || ARRAY['@' || to_hex(made.author_id)])"
)

# The entry of the new kwip or comment `made`, which is one row or none.
_INDEXED = f"""
indexed AS (
    INSERT INTO search_entry (kwip_id, words)
    SELECT made.id, %(vector)s::tsvector || {_SLICES} FROM made
),"""  # noqa: S608 - constants

_unblocked = KWIPS_SQL.load("unblocked")
# No block between the viewer and the person `u`.
_PERSON_UNBLOCKED = Sql(_unblocked.text.replace("k.author_id", "u.id"), _unblocked.types)

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "search",
    slices=Sql(_SLICES, {}),
    visible=Sql(VISIBLE_SQL, {}),
    thread_visible=Sql(THREAD_VISIBLE_SQL, {}),
    confirmed=ACCOUNTS_SQL.load("confirmed"),
    person_unblocked=_PERSON_UNBLOCKED,
    unmuted=FEEDS_SQL.load("unmuted"),
    unsilenced=FEEDS_SQL.fragments["unsilenced_listed"],
    unlimited=KWIPS_SQL.load("unlimited"),
    switched_on=FEEDS_SQL.load("switched_on"),
)


def author_lexeme(person_id: int) -> str:
    return f"@{person_id:x}"


def join_new_kwips() -> None:
    """Writes the index in the statements that store new kwips and comments."""
    names = SQL.load("tags_named")
    ctes = Sql(f"{_INDEXED}\n{names.text}", names.types | {"vector": "text"})
    counted.add("publish", ctes, parameters=_parameters)
    counted.add("comment", ctes, parameters=_parameters)


def _parameters(draft: counted.Draft) -> dict[str, Any]:
    return {
        "vector": vector(draft.noted_text, draft.tags),
        "folded_tags": [folded_name(tag) for tag in draft.tags],
    }


@cache
def kwips(beyond: str, direction: str) -> Statement:
    """The walk through the kwips, with what the keys of their cards need, as every timeline has it."""
    ids = SQL.load("kwips", beyond=beyond, order=direction)
    entries = FEEDS_SQL.load(
        "entries", ids=ids, page_order=f"page.id {direction}", marks=controls.marks_sql()
    )
    return entries.statement("kwips.sql", f"search_kwips_{direction.lower()}")

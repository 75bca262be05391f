"""The .sql files of notices, and what they add to the statements of new kwips and comments."""

from pathlib import Path

from apps.kwips import counted, muted_words
from apps.kwips.visibility import THREAD_VISIBLE_SQL, VISIBLE_SQL
from apps.notifications.registry import OF_KWIPS
from apps.statements import Sql, SqlFolder

# Notices that the statement of a new kwip or comment writes, and trackers that it reads. If there are more,
# a command writes all of them.
INLINE = 10
TRACKERS = 100

_WHENS = " ".join(f"WHEN '{kind}' THEN '{channel}'" for kind, channel in OF_KWIPS.items())
_VISIBLE = f"(({VISIBLE_SQL}) AND {THREAD_VISIBLE_SQL})"
_UNWORDED = muted_words.unworded("true").text
# The new kwip is a row of a CTE, and its tags are.
_NEW_UNWORDED = muted_words.unworded(
    "true", text=f"({muted_words.folded(muted_words.noted('k'))})", tags="SELECT tagged.tag_id FROM tagged"
).text
_UNWORDED_TO_PERSON = _NEW_UNWORDED.replace("%(viewer)s", "p.id")

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "notifications",
    # The visibility predicate over the kwip `k`, for the viewer and for each person `p`.
    visible=Sql(_VISIBLE, {}),
    visible_to_person=Sql(_VISIBLE.replace("%(viewer)s", "p.id"), {}),
    # Nothing that the viewer, or the person, mutes is in the kwip `k`; one's own is always heard.
    heard=Sql(f"(k.author_id = %(viewer)s OR {_UNWORDED})", {}),
    unworded_to_person=Sql(_UNWORDED_TO_PERSON, {}),
    # The channel of a notice whose recipient chose none.
    default=Sql(f"CASE due.kind {_WHENS} END", {}),
)
SQL.fragments |= {
    "new": SQL.load("new"),
    # In a command: the next batch of trackers, and no limit to their notices.
    "due": SQL.load(
        "due", which="WHERE user_id > %(after)s ORDER BY user_id LIMIT %(limit)s", most="%(limit)s"
    ),
    "written": SQL.load("written", if_few="true"),
}


def join_new_kwips() -> None:
    """Writes the notices of new kwips and comments in the statements that store these.

    The events then have the new notices, or None if a command has to write them.
    """
    few = f"(SELECT count(*) FROM due) <= {INLINE}"  # noqa: S608 - constants
    _add("publish", SQL.load("due_mentions"), few)
    due = SQL.load("due", which=f"LIMIT {TRACKERS} + 1", most=str(TRACKERS))
    _add("comment", due, f"{few} AND (SELECT count(*) FROM trackers) <= {TRACKERS}")  # noqa: S608 - constants


def _add(statement: counted.Extensible, due: Sql, few: str) -> None:
    written = SQL.load("written", if_few=few)
    ctes = Sql(f"{due.text},\n{written.text}", due.types | written.types)
    counted.add(statement, ctes, value=f"CASE WHEN {few} THEN {SQL.load('new').text} END")

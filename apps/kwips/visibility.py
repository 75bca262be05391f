"""The visibility predicate, `sql/visible.sql`: as SQL for the timelines, as an expression for the ORM."""

import re
from pathlib import Path
from typing import Any, NewType

from django.db import models
from django.db.models.sql.compiler import SQLCompiler

from apps.accounts.statements import SQL as ACCOUNTS_SQL
from apps.statements import Sql, SqlFolder

ANYONE = 0  # the anonymous viewer

# The id of a kwip that the viewer may see; cards require it. Only `visible_kwip`, the timelines' `run`
# and search construct it.
Visible = NewType("Visible", int)

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "kwips",
    named=ACCOUNTS_SQL.load("named"),
    confirmed=ACCOUNTS_SQL.load("confirmed"),
)
VISIBLE_SQL = SQL.load("visible").text


def over(alias: str) -> str:
    """The predicate for a kwip of another alias than `k`."""
    return re.sub(r"\bk\.", f"{alias}.", VISIBLE_SQL)


# For lists with comments: a comment is visible if its thread is, to its author too. Uses the primary key.
THREAD_VISIBLE_SQL = f"""(
    k.thread_id IS NULL
    OR EXISTS (SELECT FROM kwips_kwip thread WHERE thread.id = k.thread_id AND {over("thread")} OFFSET 0)
)"""
SQL.fragments["thread_visible"] = Sql(THREAD_VISIBLE_SQL, {})

# No block between the author of a kwip and who writes below it, likes it or shares it.
_UNBLOCKED_SQL = SQL.load("unblocked").text
_BY_AUTHOR_SQL = _UNBLOCKED_SQL.replace("%(viewer)s", "%(author)s")
SQL.fragments |= {
    "unblocked_by_author": Sql(_BY_AUTHOR_SQL, {}),
    "thread_unblocked": Sql(re.sub(r"\bk\.", "t.", _BY_AUTHOR_SQL), {}),
    "unblocked_by_person": Sql(_UNBLOCKED_SQL.replace("%(viewer)s", "%(person)s"), {}),
}


class VisibleTo(models.Expression):
    """The predicate in a queryset: ``Kwip.objects.filter(VisibleTo(viewer_id))``."""

    conditional = True
    output_field = models.BooleanField()

    def __init__(self, viewer_id: int | None) -> None:
        super().__init__()
        self.viewer_id = viewer_id or ANYONE
        self.alias = ""

    def resolve_expression(self, query: Any = None, *args: Any, **kwargs: Any) -> "VisibleTo":
        resolved = self.copy()
        resolved.alias = query.get_initial_alias()
        return resolved

    def as_sql(self, compiler: SQLCompiler, connection: object) -> tuple[str, tuple[Any, ...]]:
        quoted = compiler.quote_name(self.alias)
        text = f"({over(quoted)}) AND {THREAD_VISIBLE_SQL.replace('k.thread_id', f'{quoted}.thread_id')}"
        places = text.count("%(viewer)s")
        return f"({text.replace('%(viewer)s', '%s')})", (self.viewer_id,) * places

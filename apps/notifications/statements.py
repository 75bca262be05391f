"""The .sql files of notices."""

from pathlib import Path

from apps.kwips.visibility import THREAD_VISIBLE_SQL, VISIBLE_SQL
from apps.statements import Sql, SqlFolder

_VISIBLE = f"(({VISIBLE_SQL}) AND {THREAD_VISIBLE_SQL})"

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "notifications",
    # The visibility predicate over the kwip `k`, for the viewer and for each person `p`.
    visible=Sql(_VISIBLE, {}),
    visible_to_person=Sql(_VISIBLE.replace("%(viewer)s", "p.id"), {}),
)

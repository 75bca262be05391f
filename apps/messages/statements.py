"""The .sql files of messages."""

from pathlib import Path

from apps.kwips.visibility import THREAD_VISIBLE_SQL, VISIBLE_SQL
from apps.statements import Sql, SqlFolder

SQL = SqlFolder(
    Path(__file__).parent / "sql",
    "private_messages",
    # The visibility predicate over the kwip or comment `k`, for the viewer.
    visible=Sql(f"(({VISIBLE_SQL}) AND {THREAD_VISIBLE_SQL})", {}),
)

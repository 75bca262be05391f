"""How PostgreSQL reads the timelines: for `manage.py explainfeeds`, and for the tests that watch over it."""

import json
import re
from collections.abc import Callable
from typing import Any

from django.db import connection

from apps.feeds.queries import Timeline
from apps.keyset import Seek
from apps.statements import SAVEPOINT

type Statement = tuple[str, Any]


def statements(timeline: Timeline, seek: Seek) -> dict[str, Statement]:
    """What one fetch of the timeline runs, by the names of its .sql files: SQL and parameters."""
    run: dict[str, Statement] = {}

    def note(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: dict[str, Any]) -> Any:
        sent, sql = sql, sql.replace(SAVEPOINT, "", 1)
        if named := re.match(r"/\* (\w+)\.sql \*/", sql):
            run[named[1]] = sql, params
        return execute(sent, params, many, context)

    with connection.execute_wrapper(note):
        timeline.fetch(seek)
    return run


def explained(statement: Statement) -> str:
    """The plan that was carried out, as text."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement[0]}", statement[1])
        return "\n".join(row[0] for row in cursor.fetchall())


def plan(statement: Statement) -> dict[str, Any]:
    """The plan that was carried out, as PostgreSQL's tree of nodes."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement[0]}", statement[1])
        found = cursor.fetchone()[0]
    tree: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return tree

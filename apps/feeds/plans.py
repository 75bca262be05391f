"""The query plans of timelines: for `manage.py explainfeeds` and the tests."""

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
    """SQL and parameters that one fetch of the timeline executes, by .sql file."""
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
    """The executed plan as text."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS) {statement[0]}", statement[1])
        return "\n".join(row[0] for row in cursor.fetchall())


def plan(statement: Statement) -> dict[str, Any]:
    """The executed plan as a tree of nodes."""
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement[0]}", statement[1])
        found = cursor.fetchone()[0]
    tree: dict[str, Any] = (json.loads(found) if isinstance(found, str) else found)[0]["Plan"]
    return tree

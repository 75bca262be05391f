"""Runs the .sql files; the hot ones are prepared once a connection (`apps.statements`)."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from django.db import connection

from apps.statements import SqlFolder

SQL = SqlFolder(Path(__file__).parent / "sql", "commandqueue")
# They find rows by primary key, so the generic plan is as good as any. A claim is not prepared: its plan
# depends on how many commands wait.
PREPARED = {"settle_and_renew", "settle", "start_batch", "settle_batch", "enqueue_mail"}


def run(name: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Execute sql/NAME.sql; returns its rows, if it returns any."""
    statement = SQL.statement(name)
    with connection.cursor() as cursor:
        if name in PREPARED:
            statement.execute_prepared(cursor, parameters)
        else:
            statement.execute(cursor, parameters)
        return cursor.fetchall() if cursor.description else []

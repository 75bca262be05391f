"""Deletes what has expired."""

from django.db import connection

from apps.limits.hits import SQL

BATCH = 5_000
_TABLES = (("limits_tries", "expires_at"), ("limits_cache", "expires"))


def sweep() -> int:
    """Delete expired windows and cache entries, in batches; returns how many. To be run every few minutes."""
    return sum(_sweep(table, expires) for table, expires in _TABLES)


def _sweep(table: str, expires: str) -> int:
    statement = SQL.load("sweep", table=table, expires=expires).statement(
        "sweep.sql", f"limits_sweep_{table}"
    )
    swept = 0
    with connection.cursor() as cursor:
        while True:
            statement.execute(cursor, {"batch": BATCH})
            batch: int = cursor.rowcount
            swept += batch
            if batch < BATCH:
                return swept

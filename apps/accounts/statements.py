"""The .sql files of users."""

from functools import cache
from pathlib import Path

from apps.statements import SqlFolder, Statement

SQL = SqlFolder(Path(__file__).parent / "sql", "accounts")


@cache
def counting(counter: str) -> Statement:
    """Adds ``by`` to a counter of ``person``, and locks the row: see `sql/count.sql`.

    The caller emits `events.counters_moved`.
    """
    return SQL.load("count", counter=counter).statement("count.sql", f"accounts_count_{counter}")


@cache
def cached_columns(*columns: str) -> Statement:
    """These columns of the user ``person``."""
    return SQL.load("cached", columns=", ".join(columns)).statement("cached.sql", "accounts_cached")

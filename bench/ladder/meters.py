"""The meters of a run: processor time of the servers, and PostgreSQL's count of statements and rows."""

from collections.abc import Mapping

import psycopg2

from bench.lib import processes
from bench.lib.database import Server
from deploy.local.postgres import ROLE, SUPERUSER

# For `bench.lib.database.postgres`: statements are counted by an extension that PostgreSQL brings.
PRELOADED = ("shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off")
_READ = f"""
    SELECT coalesce(sum(calls), 0), coalesce(sum(rows), 0)
    FROM pg_stat_statements
    WHERE userid = '{ROLE}'::regrole
"""

type Seconds = Mapping[str, float]


def cpu(before: Seconds, after: Seconds, requests: int) -> dict[str, float]:
    """Seconds of processor time by a thousand requests."""
    return {
        f"{name}_cpu": round((seconds - before[name]) * 1000 / max(1, requests), 3)
        for name, seconds in after.items()
    }


class Meters:
    """Those of PostgreSQL, in its database ``name``, and of processes."""

    def __init__(self, server: Server, name: str) -> None:
        self._pid = server.pid
        self._connection = psycopg2.connect(host=str(server.sockets), user=SUPERUSER, dbname=name)
        self._connection.autocommit = True
        with self._connection.cursor() as cursor:
            cursor.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")

    def close(self) -> None:
        self._connection.close()

    def execute(self, sql: str) -> None:
        with self._connection.cursor() as cursor:
            cursor.execute(sql)

    def statements(self) -> tuple[int, int]:
        """Statements of all sites since the server's start, and their rows."""
        with self._connection.cursor() as cursor:
            cursor.execute(_READ)
            calls, rows = map(int, cursor.fetchone() or (0, 0))
        return calls, rows

    def seconds(self, pids: Mapping[str, tuple[int, ...]]) -> Seconds:
        """Processor time so far. ``pids`` are the processes of a site, by name."""
        found = {name: sum(map(processes.cpu_seconds, each)) for name, each in pids.items()}
        return found | {"postgresql": processes.cpu_seconds(self._pid)}

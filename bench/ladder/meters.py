"""What a turn costs, read from the servers themselves: the difference of two readings."""

import socket
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass

import psycopg2

from bench.lib import processes
from bench.lib.database import Server
from deploy.local.postgres import ROLE, SUPERUSER

# For `bench.lib.database.postgres`: statements are counted by an extension that PostgreSQL brings.
PRELOADED = ("shared_preload_libraries=pg_stat_statements", "pg_stat_statements.track_utility=off")
_READ = f"""
    SELECT coalesce(sum(calls), 0), coalesce(sum(rows), 0),
           (SELECT sessions FROM pg_stat_database WHERE datname = current_database())
    FROM pg_stat_statements
    WHERE userid = '{ROLE}'::regrole
"""


@dataclass(frozen=True, slots=True)
class Reading:
    """Counters since the servers' start."""

    cpu: Mapping[str, float]
    counts: Mapping[str, int]

    def cpu_since(self, before: "Reading", requests: int) -> dict[str, float]:
        """Seconds of processor time by a thousand requests."""
        return {
            f"{name}_cpu": round((seconds - before.cpu[name]) * 1000 / max(1, requests), 3)
            for name, seconds in self.cpu.items()
        }

    def counted_since(self, before: "Reading", requests: int) -> dict[str, float]:
        """By request."""
        return {
            name: round((count - before.counts[name]) / requests, 2) for name, count in self.counts.items()
        }


class Meters:
    """The counters of PostgreSQL's database ``name``; those of a memcached are read with a site's."""

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

    def read(self, pids: Mapping[str, tuple[int, ...]], memcached: str | None) -> Reading:
        """``pids`` are the processes of the web, by name; ``memcached`` is an address."""
        with self._connection.cursor() as cursor:
            cursor.execute(_READ)
            statements, rows, sessions = map(int, cursor.fetchone() or (0, 0, 0))
        counts = {"statements": statements, "rows": rows, "postgresql_connections": sessions}
        counts |= commands(memcached) if memcached else {"memcached_keys": 0, "memcached_connections": 0}
        cpu = {name: sum(map(processes.cpu_seconds, each)) for name, each in pids.items()}
        return Reading(cpu | {"postgresql": processes.cpu_seconds(self._pid)}, counts)


def commands(address: str) -> dict[str, int]:
    """Keys that were read, written or deleted in a memcached on a Unix socket, and connections to it."""
    with closing(socket.socket(socket.AF_UNIX)) as wire:
        wire.connect(address.removeprefix("unix:"))
        wire.sendall(b"stats\r\n")
        text = b""
        while not text.endswith(b"END\r\n"):
            text += wire.recv(65536)
    found = dict(line.split()[1:3] for line in text.decode().splitlines() if line.startswith("STAT"))
    names = ("cmd_get", "cmd_set", "cmd_touch", "delete_hits", "delete_misses")
    # Less this one.
    opened = int(found["total_connections"]) - 1
    return {"memcached_keys": sum(int(found[name]) for name in names), "memcached_connections": opened}

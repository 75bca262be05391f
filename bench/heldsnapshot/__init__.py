"""The command queue while a transaction holds an old snapshot, as pg_dump does: its dead rows stay.

Two databases of one server whose autovacuum is on; in one of them a REPEATABLE READ transaction is open from
the beginning to the end. They take turns: a producer enqueues 800 commands a second, half of them tasks and
half mail, one worker process works them off, and a probe reads a row of another table by index and updates
it, fifty times a second. Later turns have more dead rows: a figure is the median of the later half.
"""

import itertools
import json
import os
import statistics
import subprocess
import sys
import time
from contextlib import closing
from typing import Any

import psycopg2

from bench.lib.database import HOME, ROOT
from bench.lib.measure import Ratio
from bench.lib.report import Result
from deploy.local.postgres import ROLE, Postgres

PROGRAMS = MODULES = ()
# Turns of each database, and the seconds of each: the full size holds the snapshot for three minutes of load.
TURNS = {"small": (4, 8), "full": (12, 15)}
A_SECOND = 800
PROBES_A_SECOND = 50
ROWS = 100_000
NAMES = ("held", "free")


class Side:
    """One database, its worker and its producer."""

    def __init__(self, name: str, server: Postgres) -> None:
        server.create_database(name)
        self.name = name
        self.dsn = f"host={server.sockets} user={ROLE} dbname={name}"
        self.turns: list[dict[str, Any]] = []
        # Each row is updated once: what is measured is not the table's own dead rows.
        self._rows = itertools.cycle(number * 7919 % ROWS + 1 for number in range(ROWS))
        environment = os.environ | {
            "DJANGO_SETTINGS_MODULE": "kwippy.settings",
            "SECRET_KEY": "a key for benchmarks alone, long enough for the system check",
            "SITE_URL": "http://localhost:8000",
            "MAIL_DIR": str(HOME / "mail"),
            "DATABASE_HOST": str(server.sockets),
            "DATABASE_NAME": name,
            "DATABASE_USER": ROLE,
            "LOG_LEVEL": "ERROR",
            # The disk is not measured.
            "PGOPTIONS": "-c synchronous_commit=off",
        }
        self.processes = [
            subprocess.Popen(
                [sys.executable, "-m", f"bench.heldsnapshot.{program}", *words],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                cwd=ROOT,
                env=environment,
                text=True,
            )
            for program, words in (("worker", []), ("producer", [self.dsn, str(A_SECOND)]))
        ]
        for process in self.processes:
            self._answer(process)
        self._run(
            "CREATE TABLE other AS SELECT n AS id, 0 AS count FROM generate_series(1, %s) n;"
            " ALTER TABLE other ADD PRIMARY KEY (id); ANALYZE other",
            [ROWS],
        )

    def turn(self, seconds: float) -> None:
        """Enqueue, work off and probe for so many seconds."""
        for process in self.processes:
            print(seconds, file=process.stdin, flush=True)
        probes = self._probe(seconds)
        worked, _ = (json.loads(self._answer(process)) for process in self.processes)
        dead = self._run("SELECT pg_stat_get_dead_tuples('commandqueue_command'::regclass)", [])
        self.turns.append({**worked, "probe_ms": round(statistics.median(probes), 4), "dead_rows": dead})

    def close(self) -> None:
        for process in self.processes:
            process.kill()
            process.wait()

    def _probe(self, seconds: float) -> list[float]:
        took = []
        with closing(psycopg2.connect(self.dsn)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute("SET synchronous_commit = off")
            started = time.monotonic()
            for number in range(int(seconds * PROBES_A_SECOND)):
                time.sleep(max(0, started + number / PROBES_A_SECOND - time.monotonic()))
                began = time.perf_counter()
                row = [next(self._rows)]
                cursor.execute("SELECT count FROM other WHERE id = %s", row)
                cursor.execute("UPDATE other SET count = count + 1 WHERE id = %s", row)
                took.append((time.perf_counter() - began) * 1000)
        return took

    def _run(self, sql: str, parameters: list[Any]) -> Any:
        with closing(psycopg2.connect(self.dsn)) as connection, connection.cursor() as cursor:
            connection.autocommit = True
            cursor.execute(sql, parameters)
            return cursor.fetchone()[0] if cursor.description else None

    def _answer(self, process: subprocess.Popen[str]) -> str:
        if line := next(iter(process.stdout or ()), ""):
            return line
        raise SystemExit(f"bench: a process of the side {self.name} has ended")


def run(*, size: str) -> Result:
    """Measures both sides in turns."""
    turns, seconds = TURNS[size]
    server = Postgres(HOME / "heldsnapshot", sockets=HOME / "run-held")
    server.start()
    sides: list[Side] = []
    try:
        drop(server)
        sides += [Side(name, server) for name in NAMES]
        with closing(psycopg2.connect(sides[0].dsn)) as holder, holder.cursor() as cursor:
            cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM other")
            for number in range(turns):
                for side in sides if number % 2 else reversed(sides):
                    side.turn(seconds)
                    print(f"turn {number + 1} of {turns}: {side.name:<5} {side.turns[-1]}")
    finally:
        for side in sides:
            side.close()
        drop(server)
        server.stop()
    held, free = (side.turns[turns // 2 :] for side in sides)

    def ratio(name: str) -> Ratio:
        return Ratio(tuple(one[name] / other[name] for one, other in zip(held, free, strict=True)))

    figures = {
        "rate_beside_no_snapshot": ratio("settled"),
        "claim_times_as_long": ratio("claim_ms"),
        "other_table_times_as_long": ratio("probe_ms"),
        "dead_rows_at_the_end": held[-1]["dead_rows"],
    }
    details = {
        "enqueued_a_second": A_SECOND,
        "seconds_a_turn": seconds,
        "turns": {side.name: side.turns for side in sides},
    }
    return Result(figures, details, [])


def drop(server: Postgres) -> None:
    """Drops what a run has left."""
    with closing(
        psycopg2.connect(host=str(server.sockets), user="postgres", dbname="postgres")
    ) as connection:
        connection.autocommit = True
        with connection.cursor() as cursor:
            for name in NAMES:
                cursor.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")

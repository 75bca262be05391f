"""Staleness: reads by many sessions beside writers, one of which is killed each second after its COMMIT.

After Barahmand and Ghandeharizadeh (BG): each row holds a version, a writer notes the version whose write has
returned, and a read that began after that and returns less is stale. What ours does, beside Django's
`cached_db` sessions and beside get and set of a user, over the same rows:

- one write for a hundred reads;
- each second a writer process is killed between its COMMIT and its commit hooks. Its version counts once its
  mark has ended, `MARK_SECONDS` later; for the rivals, which have no marks, after the same time. If memcached
  does not reply in time, a writer has no mark: it is counted apart, and so is what is stale after it;
- memcached is restarted again and again.

Read in this order: this file, `ways.py`, `driver.py`, `board.py`.
"""

import json
import os
import subprocess
import sys
from typing import IO, Any, cast

from bench.lib.database import ROOT, empty, postgres
from bench.lib.report import Figures, Result
from bench.lib.servers import memcached_server

PROGRAMS = ("memcached",)
MODULES = ()
# At least so many reads of each way, by so many sessions, for at least so many seconds.
SIZES = {
    "small": {"reads": 40_000, "sessions": 20, "seconds": 55, "restart": 26},
    "full": {"reads": 10_000_000, "sessions": 200, "seconds": 300, "restart": 60},
}
# The least that the system check allows with the default time limits.
MARK_SECONDS = 16
WAYS = ("ours", "django")


def run(*, size: str) -> Result:
    """Runs both ways, each on an empty database and a memcached of its own."""
    found = {way: measured(way, **SIZES[size]) for way in WAYS}
    figures: Figures = {
        "stale_reads_after_the_response": found["ours"]["after_response"],
        "stale_reads_after_the_mark_of_a_killed_writer": found["ours"]["after_kill"],
        "stale_reads_while_such_a_mark_stands": found["ours"]["while_marked"],
        "stale_reads_of_django_after_the_response": found["django"]["after_response"],
        "stale_reads_of_django_after_a_kill": found["django"]["after_kill"],
        "reads": found["ours"]["reads"],
        "killed_writers": found["ours"]["kills"],
        "killed_writers_without_a_mark": found["ours"]["kills_without_mark"],
        "stale_reads_after_a_writer_without_a_mark": found["ours"]["unmarked"],
        "mark_seconds": MARK_SECONDS,
    }
    table = [
        f"{way:<8}{counts['reads']:>12,} reads {counts['writes']:>9,} writes {counts['kills']:>5} killed"
        f" {counts['restarts']:>3} restarts; stale: {counts['after_response']:,} after the response,"
        f" {counts['while_marked']:,} within {MARK_SECONDS} s of a kill, {counts['after_kill']:,} later;"
        f" {counts['kills_without_mark']} killed without a mark, {counts['unmarked']:,} stale after these"
        for way, counts in found.items()
    ]
    return Result(figures, {"ways": found}, table)


def measured(way: str, **bounds: int) -> dict[str, Any]:
    """What `driver` counts for a way, on an empty database."""
    with postgres() as server, empty(server, "stale"):
        return driven(way, mark_seconds=MARK_SECONDS, **bounds)


def driven(way: str, *, mark_seconds: int, **bounds: int) -> dict[str, Any]:
    """What `driver` counts in the empty database that the environment names, with a memcached of its own."""
    with memcached_server() as memcached:
        variables = {
            "MEMCACHED_SERVERS": memcached.address,
            "MARK_SECONDS": str(mark_seconds),
            "DJANGO_SETTINGS_MODULE": "bench.stale.settings",
            "DATABASE_STATEMENT_TIMEOUT_MS": "5000",
            "LOG_LEVEL": "CRITICAL",  # Django logs each set that a restart of memcached fails
        }
        words = [sys.executable, "-m", "bench.stale.driver", way, json.dumps(bounds)]
        driver = subprocess.Popen(
            words,
            cwd=ROOT,
            env=os.environ | variables,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        with driver:
            asks, answers = cast("IO[str]", driver.stdout), cast("IO[str]", driver.stdin)
            for line in asks:
                if line == "restart\n":
                    memcached.stop()
                    memcached.start()
                    print("restarted", file=answers, flush=True)
                elif line.startswith("{"):
                    return dict(json.loads(line))
        raise SystemExit("bench: the driver failed; see above")

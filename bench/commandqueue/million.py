"""A million commands sent and purged, with a PostgreSQL of their own whose autovacuum is on."""

import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from bench.lib.database import HOME, ROOT
from deploy.local.postgres import Postgres

COMMANDS = 1_000_000
CHUNK = 5_000


def a_million() -> dict[str, Any]:
    """The size of the table and the time of a claim, before and after a million.

    Measured in a process of its own, whose Django has another database.
    """
    output = HOME / "a_million.json"
    server = Postgres(HOME / "queue", sockets=HOME / "run-queue")
    server.start()
    try:
        server.create_database("million")
        environment = os.environ | {
            "DATABASE_HOST": str(server.sockets),
            "DATABASE_NAME": "million",
            "BENCH_OUTPUT": str(output),
        }
        subprocess.run(
            [sys.executable, "-m", "bench.commandqueue.million"], cwd=ROOT, env=environment, check=True
        )
    finally:
        server.stop()
    return dict(json.loads(output.read_text()))


def million_in_process() -> None:
    """The process that `a_million` starts."""
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command
    from django.db import connection

    from apps.commandqueue.core.worker import Worker
    from apps.commandqueue.models import Command
    from apps.commandqueue.operate import actions

    # The queue is measured, not a server: this mailer reports success and sends nothing.
    settings.MAILERS["direct"] = {"BACKEND": "django.core.mail.backends.dummy.EmailBackend"}
    call_command("migrate", verbosity=0)
    with connection.cursor() as cursor:
        # Nor is the disk.
        cursor.execute("TRUNCATE commandqueue_command")
        cursor.execute("SET synchronous_commit = off")
    enqueue_chunk(1_000)
    Worker(queues=["default"], once=True).run()
    actions.purge(older_than=0)
    before = claim_milliseconds()
    started, largest = time.monotonic(), 0
    for done in range(0, COMMANDS, CHUNK):
        enqueue_chunk(CHUNK)
        Worker(queues=["default"], once=True, threads=2).run()
        actions.purge(older_than=0)
        largest = max(largest, table_bytes())
        if done % 100_000 == 0:
            print(f"{done:>9,} sent and purged, {table_bytes() >> 20} MB")
    after = claim_milliseconds()
    result = {
        "commands": COMMANDS,
        "left": Command.objects.count(),
        "seconds": round(time.monotonic() - started),
        "claim_ms_before": round(before, 3),
        "claim_ms_after": round(after, 3),
        "claim_times_as_long_after_a_million": round(after / before, 2),
        "table_mb_largest": round(largest / 2**20, 1),
        "table_mb_after_a_million": round(table_bytes() / 2**20, 1),
    }
    Path(os.environ["BENCH_OUTPUT"]).write_text(json.dumps(result))


def enqueue_chunk(count: int) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO commandqueue_command"
            " (kind, lane, backend, expires_at, sender, recipients, message_id, body)"
            " SELECT 'mail', 'default', 'default', now() + interval '2 days', 'kwippy@example.org',"
            " ARRAY[n || '@example.org'], '<' || n || '@example.org>',"
            " convert_to(repeat(md5(n::text), 50), 'UTF8')"
            " FROM generate_series(1, %s) n",
            [count],
        )


def claim_milliseconds() -> float:
    """Milliseconds to claim twenty of a hundred commands: the median of many claims."""
    from apps.commandqueue.core import store
    from apps.commandqueue.models import Command
    from apps.commandqueue.operate import actions

    took = []
    for _ in range(40):
        enqueue_chunk(100)
        for _ in range(5):
            started = time.perf_counter()
            claimed = store.claim(queue_name="default", limit=20, lease=60)
            took.append((time.perf_counter() - started) * 1000)
            if len(claimed) != 20:
                raise SystemExit(f"bench: {len(claimed)} commands were claimed")
        Command.objects.update(state="done", finished_at="2026-01-01T00:00:00Z", token=None)
        actions.purge(older_than=0)
    return statistics.median(took)


def table_bytes() -> int:
    """The size of the table with its indexes and its TOAST."""
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_total_relation_size('commandqueue_command')")
        [size] = cursor.fetchone()
    return int(size)


if __name__ == "__main__":
    million_in_process()

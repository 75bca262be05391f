"""The process that callgrind observes: `fill` makes the community, `serve` makes the requests."""

import gc
import os
import subprocess
import sys

from bench.instructions import COUNTED, NAMES
from kwippy.observability import multiproc_metrics

PEOPLE, KWIPS = 60, 2_000
# Requests after which caches and plans are as the one before it has left them.
WARM_UP = 3


def main(command: str) -> None:
    # As in a worker of gunicorn, before any metric is created.
    multiproc_metrics.use_slot(0)
    import django

    django.setup()
    if command == "fill":
        fill()
    else:
        serve()


def fill() -> None:
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    call_command("populate", people=PEOPLE, kwips=KWIPS, verbosity=0)


def serve() -> None:
    """Makes each request without, then with being counted."""
    from bench.instructions.requests import Requests

    made = Requests()
    requests = [getattr(made, name) for name in NAMES]
    for request in requests:
        for _ in range(WARM_UP):
            request()
    count_from_here()
    for request in requests:
        # What other requests have purged, and what counting itself has brought.
        for _ in range(WARM_UP):
            request()
        gc.collect()
        gc.freeze()
        os.getppid()
        for _ in range(COUNTED):
            request()
        os.getppid()
    if not all(made.hits[-COUNTED:]):
        raise SystemExit("bench: a hit of the page cache was none")


def count_from_here() -> None:
    """Has valgrind count: until now it has not, which is ten times as fast."""
    switching = subprocess.Popen(["vgdb", f"--pid={os.getpid()}", "instrumentation", "on"])
    # Valgrind looks for commands while this process runs; of one that waits only a debugger can take hold.
    while switching.poll() is None:
        pass
    if switching.returncode != 0:
        raise SystemExit("bench: vgdb can't have valgrind count")


if __name__ == "__main__":
    main(sys.argv[1])

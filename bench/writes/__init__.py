"""Writes: publishing and commenting over HTTP, beside the same site at an earlier commit.

wrk posts forms (session, CSRF token, a new form key each time) of many members. Both sites run as they are
deployed (INFO, JSON, metrics in files), one worker on a core of its own, and take turns; each has a copy of
the community and a memcached. The figures are processor time, of the worker and of PostgreSQL. No limit is
raised: there are so many members that none of them reaches one. `BENCH_BEFORE` names another commit.

What notices add is measured beside: the actions alone, in this process, with and without them.

Read in this order: `before.py` (the earlier commit), `site.py` (a running site), `notices.py`, this file.
"""

import os
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.lib import processes
from bench.lib.community import KWIPS, template
from bench.lib.database import postgres
from bench.lib.measure import Ratio, rotated
from bench.lib.report import Result
from bench.writes import before, notices
from bench.writes.site import WRITES, Site, started

PROGRAMS = ("memcached", "wrk")
MODULES = ()
# The parent of the change that made writes cheaper.
BEFORE = "d605056"
PROCESSES = ("worker", "postgresql", "memcached")
# Rounds, seconds of each turn.
SIZES = {"small": (5, 4), "full": (9, 8)}


def run(*, size: str) -> Result:
    """Counts statements and messages, then measures processor time."""
    rounds, seconds = SIZES[size]
    earlier = before.checkout(os.environ.get("BENCH_BEFORE") or BEFORE)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres())
        processes.pin(server.pid, processes.other_cores())
        templates = {
            before.NOW: template(server, kwips=KWIPS["small"]),
            earlier: before.template(server, earlier, kwips=KWIPS["small"]),
        }
        now, then = (
            stack.enter_context(started(server, checkout, template=name))
            for checkout, name in templates.items()
        )
        measure([now, then], folder, rounds=rounds, seconds=seconds)
        timings = notices.measure(server, kwips=KWIPS["small"], rounds=rounds)
    details = {
        "before": earlier.commit,
        "statements_and_messages_before": then.counted,
        "milliseconds_a_write": {"now": now.as_json(), "before": then.as_json()},
        "milliseconds_an_action": {name: timing.as_json() for name, timing in timings.items()},
    }
    lines = [f"{name + ', action alone':<24}{timing.median:>14.2f}" for name, timing in timings.items()]
    figures = compared(now, then) | notices.compared(timings)
    return Result(figures, details, [*table({"now": now, "before": then}), *lines])


def measure(sites: list[Site], folder: Path, *, rounds: int, seconds: float) -> None:
    """Each site's turns; the first round fills caches and does not count."""
    for number in range(-1, rounds):
        for write in WRITES:
            for site in rotated(sites, number):
                site.turn(write, folder, seconds=seconds, counts=number >= 0)


def compared(now: Site, then: Site) -> dict[str, Ratio | float | int]:
    """For each write: its processor time beside that of the earlier commit, statements and messages."""
    figures: dict[str, Ratio | float | int] = {}
    for write in WRITES:
        for name, what in (("cpu", ("worker", "postgresql")), ("worker_cpu", ("worker",))):
            figures[f"{write}_{name}_vs_before"] = beside(now.cost(write, *what), then.cost(write, *what))
        figures |= now.counted[write]
    return figures


def beside(ours: list[float], theirs: list[float]) -> Ratio:
    return Ratio(tuple(one / other for one, other in zip(ours, theirs, strict=True)))


def table(sites: Mapping[str, Site]) -> list[str]:
    lines = [f"{'milliseconds a write':<24}" + "".join(f"{name:>14}" for name in PROCESSES)]
    for name, site in sites.items():
        for write in WRITES:
            costs = "".join(f"{site.median(write, what) * 1000:>14.2f}" for what in PROCESSES)
            counted = [f"{number} {what.rpartition('_')[2]}" for what, number in site.counted[write].items()]
            lines.append(f"{write + ', ' + name:<24}{costs}   {', '.join(counted)}")
    return ["", *lines, ""]

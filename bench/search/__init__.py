"""Search: words from the commonest to one in 100,000, phrases and pairs, in an open loop at a fixed rate.

The load sends each query when its time has come, whether or not the last one was answered, and counts from
that time: a slow answer delays the next ones, as it would delay people. Each request is another query of
another member, to the site as it is deployed. Beside it the query alone is timed: the rarest word beside the
commonest, the same set on 200,000 and on 2,000,000 kwips (with their comments), and three words beside plain
SQL on the same index. The cost of a write is processor time of the worker and of PostgreSQL, for sites with
and without ``SEARCH_INDEX``, in turns.

Read in this order: `queries.py` (what is looked for), `open_loop.py`, this file.
"""

import os
import statistics
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

from bench.lib import community, database, processes
from bench.lib.community import KWIPS
from bench.lib.database import ROOT, Server
from bench.lib.measure import Ratio, Timing, interleaved, rotated, times_as_long
from bench.lib.report import Result
from bench.lib.servers import memcached_server, production
from bench.lib.sessions import members
from bench.search import queries
from bench.search.open_loop import Answered, open_loop
from bench.search.queries import Asked
from bench.writes import beside
from bench.writes.before import Checkout
from bench.writes.site import started

PROGRAMS, MODULES = ("memcached", "wrk"), ()
# Requests a second; so many members that none reaches the limit of 60 a minute.
RATE = 20
MEMBERS = 100
# Seconds of the load; rounds and seconds of the writes.
SIZES = {"small": (30, 5, 4), "full": (90, 9, 8)}


def run(*, size: str) -> Result:
    """Measures the small community, and at full size the large one, too."""
    seconds, rounds, turn = SIZES[size]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = stack.enter_context(memcached_server(megabytes=256))
        os.environ["MEMCACHED_SERVERS"] = cache.address
        server = stack.enter_context(database.postgres())
        for pid in (cache.pid, server.pid):
            processes.pin(pid, processes.other_cores())
        measured = {
            each: measure(server, kwips=KWIPS[each], seconds=seconds)
            for each in ("small", "full")[: 1 if size == "small" else 2]
        }
        writes = write_cost(server, folder, rounds=rounds, seconds=turn)
    found = measured[size]
    figures: dict[str, Ratio | float | int] = {
        "p99_ms": found.answered.percentile(99),
        "p50_ms": found.answered.percentile(50),
        "rarest_vs_commonest": times_as_long(found.rarest, found.commonest),
        "write_cost": writes,
    }
    if size == "full":
        figures["growth_200k_to_2m"] = round(found.mean / measured["small"].mean, 2)
    details = {
        "kwips": KWIPS[size],
        "rate": RATE,
        "requests": len(found.answered.milliseconds),
        "queries_milliseconds": {
            asked.text: {"matches": asked.matches, **timing.as_json()}
            for asked, timing in found.timings.items()
        },
        "beside_plain_sql": {name: timing.as_json() for name, timing in found.rivals.items()},
    }
    return Result(figures, details, table(found))


class Measured:
    """What was measured on one community."""

    def __init__(
        self, answered: Answered, timings: Mapping[Asked, Timing], rivals: Mapping[str, Timing]
    ) -> None:
        self.answered = answered
        self.timings = timings
        self.rivals = rivals

    def _of_words(self) -> list[tuple[Asked, Timing]]:
        return [(asked, timing) for asked, timing in self.timings.items() if asked.kind == "word"]

    @property
    def commonest(self) -> Timing:
        return self._of_words()[0][1]

    @property
    def rarest(self) -> Timing:
        return self._of_words()[-1][1]

    @property
    def mean(self) -> float:
        """Milliseconds a query, over all queries alike."""
        return statistics.mean(timing.median for timing in self.timings.values())


def measure(server: Server, *, kwips: int, seconds: float) -> Measured:
    """Puts the load on a site with so many kwips, then times the queries alone."""
    import django

    with database.copied(server, template(server, kwips=kwips), f"search_run_{kwips}"):
        django.setup()
        asked = queries.chosen()
        people = members(MEMBERS, root=ROOT)
        with production() as site:
            # Fills caches and prepares statements; does not count.
            open_loop(site.port, asked, people, rate=RATE, seconds=len(asked) / RATE)
            answered = open_loop(site.port, asked, people, rate=RATE, seconds=seconds)
        timings = interleaved({each.text: queries.ours(each) for each in asked}, seconds_a_turn=0.02)
        rivals = interleaved(queries.beside_plain(asked), rounds=3, seconds_a_turn=0.02)
        print(f"{kwips:>9,} kwips · {len(answered.milliseconds)} searches", file=sys.stderr)
        return Measured(answered, {each: timings[each.text] for each in asked}, rivals)


def template(server: Server, *, kwips: int) -> str:
    """The name of the template with so many kwips and their index, made unless it is there."""
    family = f"search_{kwips}"
    name = f"{family}_{community.recipe()}_{queries.recipe()}"

    def fill(unfinished: str) -> None:
        server.copy(community.template(server, kwips=kwips), unfinished)
        queries.index(unfinished)

    server.template(name, family=family, fill=fill)
    return name


def write_cost(server: Server, folder: Path, *, rounds: int, seconds: float) -> Ratio:
    """Processor time of publishing with the index over publishing without it."""
    name = template(server, kwips=KWIPS["small"])
    with ExitStack() as stack:
        indexed, plain = (
            stack.enter_context(
                started(
                    server,
                    Checkout(f"search_index_{on}", ROOT, sys.executable),
                    template=name,
                    variables={"SEARCH_INDEX": str(on)},
                )
            )
            for on in (1, 0)
        )
        for number in range(-1, rounds):
            for site in rotated([indexed, plain], number):
                site.turn("publish", folder, seconds=seconds, counts=number >= 0)
    both = ("worker", "postgresql")
    return beside(indexed.cost("publish", *both), plain.cost("publish", *both))


def table(found: Measured) -> list[str]:
    lines = [f"{'query':<44}{'matches':>10}{'milliseconds':>14}"]
    lines += [
        f"{asked.text[:42]:<44}{asked.matches:>10,}{timing.median:>14.2f}"
        for asked, timing in found.timings.items()
    ]
    lines += [f"{name:<54}{timing.median:>14.2f}" for name, timing in found.rivals.items()]
    return ["", *lines]

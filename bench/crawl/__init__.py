"""A crawler that reads every permalink once, at five times what the site can render, beside members.

The site runs as it is deployed (gunicorn's configuration, nginx with the files of deploy/edge), one worker
on a core of its own; nginx, PostgreSQL, memcached and wrk share the other. Members read their network at a
modest rate: alone, then beside the crawler, once with shedding and once without, in turns. Each turn of the
crawler has permalinks that were not read before. Others read three hot pages meanwhile, which must be
answered. The rate of the crawler is five times that of eight clients who read permalinks without a pause from
the site without shedding. It has 128 connections: without shedding it waits for the site, as clients do.
"""

import os
import random
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from bench.lib import processes
from bench.lib.community import KWIPS, community
from bench.lib.database import ROOT, postgres
from bench.lib.measure import Ratio, rotated
from bench.lib.report import Figures, Result
from bench.lib.servers import memcached_server, production
from bench.lib.sessions import members
from deploy.local.edge import Edge

PROGRAMS = ("memcached", "nginx", "wrk")
MODULES = ()
# Rounds, seconds of each turn.
SIZES = {"small": (5, 5), "full": (11, 5)}
MEMBERS = 50
MEMBER_CLIENTS, MEMBER_RATE = 4, 30
CRAWLERS, TIMES_CAPACITY = 128, 5
HOT = ("/everyone/", "/", "/about/")
OFF = {"SHED_AFTER_MS": "0", "SHED_RENDERS": "0"}
# Of one process with the default of SHED_RENDERS, as deploy/edge/control has it.
PLACES = 4
VARIANTS: dict[str, dict[str, str]] = {"on": {}, "off": OFF}
SCRIPT = Path(__file__).with_name("paced.lua")


@dataclass(frozen=True)
class Paced:
    """What one load has counted, and the milliseconds of its answers."""

    served: float
    shed: float
    failed: int
    hits: int
    p50: float
    p95: float


@dataclass
class Turns:
    """The turns of one variant: the members', the crawler's and the hot pages'."""

    members: list[Paced] = field(default_factory=list)
    crawler: list[Paced] = field(default_factory=list)
    hot: list[Paced] = field(default_factory=list)


def run(*, size: str) -> Result:
    """Measures on a copy of the small community."""
    rounds, seconds = SIZES[size]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = stack.enter_context(memcached_server(megabytes=256))
        server = stack.enter_context(postgres())
        os.environ |= {"MEMCACHED_SERVERS": cache.address, "TRUSTED_PROXIES": "127.0.0.1"}
        stack.enter_context(community(server, "crawl", kwips=KWIPS["small"]))
        for pid in (cache.pid, server.pid):
            processes.pin(pid, processes.other_cores())
        loads = Loads(folder)
        ports = {
            name: stack.enter_context(behind_nginx(folder / name, variables))
            for name, variables in VARIANTS.items()
        }
        for port in ports.values():
            loads.warm(port)
        capacity = loads.capacity(ports["off"], seconds=seconds)
        quiet, turns = measure(loads, ports, capacity, rounds=rounds, seconds=seconds)
    return Result(figures(quiet, turns, capacity), details(quiet, turns), table(quiet, turns))


@contextmanager
def behind_nginx(folder: Path, variables: dict[str, str]) -> Iterator[int]:
    """The port of an nginx in front of one worker, as both are deployed."""
    with production(variables=variables) as site:
        edge = Edge(folder, gunicorn=site.port, places=0 if variables else PLACES)
        edge.start()
        try:
            processes.pin(edge.pid, processes.other_cores())
            yield edge.port
        finally:
            edge.stop()


class Loads:
    """The loads, by wrk; each permalink is read once in the whole run."""

    def __init__(self, folder: Path) -> None:
        from apps.kwips.models import Kwip

        self._folder = folder
        found = Kwip.objects.filter(thread=None, audience=None).values_list("author__username", "pk")
        permalinks = [f"/{name}/kwip/{pk}/" for name, pk in found.order_by("pk")]
        random.Random(2008).shuffle(permalinks)
        self._permalinks = iter(permalinks)
        self._files = 0
        self._members = self._file(("/", member.cookie) for member in members(MEMBERS, root=ROOT))
        self._hot = self._file((path, "") for path in HOT)

    def warm(self, port: int) -> None:
        """Reads the members' and the hot pages until they are cached."""
        for file in (self._members, self._hot):
            finished(self._wrk(port, file, clients=4, rate=0, seconds=3))

    def capacity(self, port: int, *, seconds: int) -> float:
        """Permalinks a second that the site renders."""
        return finished(self._wrk(port, self._walk(seconds * 500), clients=8, rate=0, seconds=seconds)).served

    def members(self, port: int, *, seconds: int) -> Paced:
        load = self._wrk(port, self._members, clients=MEMBER_CLIENTS, rate=MEMBER_RATE, seconds=seconds)
        return finished(load)

    def turn(self, port: int, turns: Turns, *, rate: float, served: float, seconds: int) -> None:
        """Members and readers of hot pages, beside the crawler, with at most ``served`` answers a second."""
        walk = self._walk(int(served * (seconds + 3)))
        crawler = self._wrk(port, walk, clients=CRAWLERS, rate=rate, seconds=seconds + 2)
        time.sleep(1)
        hot = self._wrk(port, self._hot, clients=2, rate=20, seconds=seconds)
        turns.members.append(self.members(port, seconds=seconds))
        turns.hot.append(finished(hot))
        turns.crawler.append(finished(crawler))

    def _walk(self, count: int) -> Path:
        paths = list(islice(self._permalinks, count))
        if len(paths) < count:
            raise SystemExit("bench: the community has too few kwips for so fast a machine")
        return self._file((path, "") for path in paths)

    def _file(self, lines: Iterable[tuple[str, str]]) -> Path:
        self._files += 1
        file = self._folder / f"load{self._files}"
        file.write_text("".join(f"{path}\t{cookie}\n" for path, cookie in lines))
        return file

    def _wrk(
        self, port: int, file: Path, *, clients: int, rate: float, seconds: int
    ) -> "subprocess.Popen[str]":
        """Starts wrk with so many clients, ``rate`` requests a second together; 0 is without a pause."""
        pause = 1000 * clients / rate if rate else 0
        cores = ",".join(map(str, sorted(processes.other_cores())))
        command = ["taskset", "-c", cores, str(shutil.which("wrk")), "-t1", f"-c{clients}", f"-d{seconds}s"]
        command += ["--timeout", "30s", "-H", "Accept-Encoding: gzip", "-s", str(SCRIPT)]
        command += [f"http://localhost:{port}/", str(file), "2008", str(pause)]
        return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def finished(load: "subprocess.Popen[str]") -> Paced:
    printed, _ = load.communicate()
    found = re.search(r"^paced ([\d ]+)$", printed, re.MULTILINE)
    if found is None:
        raise SystemExit(f"bench: wrk failed\n{printed}")
    served, shed, failed, hits, p50, p95, microseconds = map(int, found[1].split())
    seconds = microseconds / 1e6
    return Paced(served / seconds, shed / seconds, failed, hits, p50 / 1000, p95 / 1000)


def measure(
    loads: Loads, ports: dict[str, int], capacity: float, *, rounds: int, seconds: int
) -> tuple[list[Paced], dict[str, Turns]]:
    """Round by round: the members alone, then beside the crawler, with each variant."""
    quiet: list[Paced] = []
    turns = {name: Turns() for name in ports}
    for number in range(rounds):
        quiet.append(loads.members(ports["on"], seconds=seconds))
        for name in rotated(list(ports), number):
            rate = TIMES_CAPACITY * capacity
            # Without shedding the crawler waits for the site: each permalink costs a render.
            served = rate if name == "on" else 2 * capacity
            loads.turn(ports[name], turns[name], rate=rate, served=served, seconds=seconds)
    check(quiet, turns)
    return quiet, turns


def check(quiet: list[Paced], turns: dict[str, Turns]) -> None:
    """Raises SystemExit where a member or a reader of a hot page got no page."""
    for name, found in turns.items():
        for load in (*quiet, *found.members, *found.hot):
            if load.failed or load.shed:
                raise SystemExit(f"bench: with shedding {name}, pages of members or hot pages failed: {load}")


def figures(quiet: list[Paced], turns: dict[str, Turns], capacity: float) -> Figures:
    def ratio(found: list[Paced]) -> Ratio:
        return Ratio(tuple(crawled.p95 / alone.p95 for crawled, alone in zip(found, quiet, strict=True)))

    def of_capacity(rates: Iterable[float]) -> Ratio:
        return Ratio(tuple(rate / capacity for rate in rates))

    return {
        "member_p95_with_shedding_times_as_long": ratio(turns["on"].members),
        "member_p95_without_times_as_long": ratio(turns["off"].members),
        "crawler_pages_with_shedding_of_capacity": of_capacity(load.served for load in turns["on"].crawler),
        "crawler_refusals_with_shedding_of_capacity": of_capacity(load.shed for load in turns["on"].crawler),
        "crawler_pages_without_of_capacity": of_capacity(load.served for load in turns["off"].crawler),
    }


def details(quiet: list[Paced], turns: dict[str, Turns]) -> dict[str, object]:
    return {
        "workers": 1,
        "members_alone": [vars(load) for load in quiet],
        "turns": {
            name: {kind: [vars(load) for load in loads] for kind, loads in vars(found).items()}
            for name, found in turns.items()
        },
    }


def table(quiet: list[Paced], turns: dict[str, Turns]) -> list[str]:
    """The median round of each."""

    def middle(loads: list[Paced], name: str) -> float:
        return float(sorted(getattr(load, name) for load in loads)[len(loads) // 2])

    lines = [f"{'':<16}{'p50':>10}{'p95':>10}{'member pages/s':>16}{'crawler 200/s':>16}{'503/s':>10}"]
    for name, loads, crawler in (
        ("alone", quiet, []),
        *((f"shedding {name}", found.members, found.crawler) for name, found in turns.items()),
    ):
        rates = [middle(crawler, kind) if crawler else 0.0 for kind in ("served", "shed")]
        lines.append(
            f"{name:<16}{middle(loads, 'p50'):>7.1f} ms{middle(loads, 'p95'):>7.1f} ms"
            f"{middle(loads, 'served'):>16.1f}{rates[0]:>16.1f}{rates[1]:>10.1f}"
        )
    return ["", *lines, ""]

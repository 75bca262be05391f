"""Members' pages: the network page beside a constant page, stock Django, and a bare WSGI callable.

Many signed-in members request their network page in turns, under wrk. The site runs as it is deployed (INFO,
JSON, metrics in files), one worker on a core of its own; wrk, PostgreSQL and memcached share the other core.
The rivals serve the same page: a constant page behind Django's usual seven middlewares, with session and
user from memcached; the site under `kwippy/settings/stock.py`; a callable that returns the bytes. All servers
run the whole time and get the load in turns. Then a new worker alone serves 20,000 pages, for its memory.
"""

import os
import random
import re
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from bench.lib import http, processes
from bench.lib.bare_wsgi import store
from bench.lib.community import KWIPS, community
from bench.lib.database import ROOT, Server, postgres
from bench.lib.http import Request
from bench.lib.measure import Timing, rotated, times_as_fast
from bench.lib.report import Figures, Result
from bench.lib.servers import bare, memcached_server, production
from bench.lib.sessions import Member, members
from deploy.local.memcached import Memcached

PROGRAMS = ("memcached", "wrk")
MODULES = ()
MEMBERS = 200
# Rounds, seconds of each rival's turn.
SIZES = {"small": (7, 3), "full": (15, 8)}
# Members' pages after which the worker's memory is read.
PAGES = (1, 5_000, 20_000)
CONSTANT, STOCK, BARE = "constant page", "stock Django", "bare WSGI"
SETTINGS = {
    "ours": "kwippy.settings",
    CONSTANT: "bench.members.constant_settings",
    STOCK: "kwippy.settings.stock",
}
STARTED = "django.core.wsgi:get_wsgi_application()"


@dataclass
class Rival:
    """One server: its requests, its processes, and what its turns took."""

    name: str
    port: int
    requests: list[Request]
    pids: dict[str, int]
    timing: Timing = field(default_factory=Timing)
    served: int = 0
    cpu: dict[str, float] = field(default_factory=dict)

    def turn(self, folder: Path, *, seconds: float) -> None:
        """Loads it once, and adds its rate and the processor time of its processes."""
        before = {what: processes.cpu_seconds(pid) for what, pid in self.pids.items()}
        run = http.wrk_requests(self.port, self.requests, folder, seconds=seconds, seed=1)
        self.timing.rounds.append(run.milliseconds)
        self.served += run.requests
        for what, pid in self.pids.items():
            self.cpu[what] = self.cpu.get(what, 0.0) + processes.cpu_seconds(pid) - before[what]

    def as_json(self) -> dict[str, object]:
        return {
            "requests_a_second": round(1000 / self.timing.median, 1),
            "requests_a_second_by_round": [round(1000 / took, 1) for took in self.timing.rounds],
            "cpu_seconds_a_1000_requests": self.cpu_a_1000(),
        }

    def cpu_a_1000(self) -> dict[str, float]:
        """Of each of its processes: processor seconds a thousand requests."""
        return {what: round(seconds * 1000 / self.served, 3) for what, seconds in self.cpu.items()}


def run(*, size: str) -> Result:
    """Measures rates, processor time and memory on a copy of the small community."""
    rounds, seconds = SIZES[size]
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        cache = stack.enter_context(memcached_server(megabytes=256))
        server = stack.enter_context(postgres())
        os.environ |= {"MEMCACHED_SERVERS": cache.address}
        stack.enter_context(community(server, "members", kwips=KWIPS["small"]))
        for pid in (cache.pid, server.pid):
            processes.pin(pid, processes.other_cores())
        memory = memory_of_a_worker(folder)
        with ExitStack() as running:
            found = rivals(running, folder, server, cache)
            counted = cost_of_a_page(found["ours"])
            measure(list(found.values()), folder, rounds=rounds, seconds=seconds)
    figures: Figures = {**compared(found), **counted, **memory.figures}
    details = {
        "members": MEMBERS,
        "rivals": {name: rival.as_json() for name, rival in found.items()},
        "memory_mb": memory.readings,
        "log": "INFO, JSON",
    }
    return Result(figures, details, table(found) + memory.table)


def rivals(stack: ExitStack, folder: Path, server: Server, cache: Memcached) -> dict[str, Rival]:
    """Starts all servers; each has sessions of the same members."""
    signed_in = {name: sign_in(settings) for name, settings in SETTINGS.items()}
    ours = stack.enter_context(production())
    typical = typical_page(ours.port, signed_in["ours"])
    page = folder / "page"
    store(page, typical.headers, typical.body)
    constant = production(
        STARTED,
        ready="/",
        headers={"Cookie": signed_in[CONSTANT][0].cookie},
        variables={"DJANGO_SETTINGS_MODULE": SETTINGS[CONSTANT], "BENCH_PAGE": str(page)},
    )
    ports = {
        "ours": ours,
        CONSTANT: stack.enter_context(constant),
        STOCK: stack.enter_context(production(variables={"DJANGO_SETTINGS_MODULE": SETTINGS[STOCK]})),
        BARE: stack.enter_context(bare(page)),
    }
    signed_in[BARE] = signed_in["ours"]
    shared = {"postgresql": server.pid, "memcached": cache.pid}
    found = {
        name: Rival(name, site.port, requests_of(signed_in[name]), {"worker": site.worker} | shared)
        for name, site in ports.items()
    }
    check_bytes(found, len(typical.body))
    return found


def sign_in(settings: str) -> list[Member]:
    return members(MEMBERS, root=ROOT, variables={"DJANGO_SETTINGS_MODULE": settings})


def requests_of(signed_in: list[Member]) -> list[Request]:
    return [Request("/", member.cookie) for member in signed_in]


def typical_page(port: int, signed_in: list[Member]) -> http.Answer:
    """The network page of the member whose page has the median length."""
    pages = [http.fetch(port, "/", {"Cookie": member.cookie}) for member in signed_in]
    if any(b"<article" not in page.body for page in pages):
        raise SystemExit("bench: a network page shows no kwip")
    return sorted(pages, key=lambda page: len(page.body))[len(pages) // 2]


def check_bytes(found: dict[str, Rival], typical: int) -> None:
    """Raises SystemExit where a rival serves pages of another size."""
    for name, rival in found.items():
        chosen = random.Random(2008).sample(rival.requests, 20)
        lengths = [len(http.fetch(rival.port, "/", {"Cookie": one.cookie}).body) for one in chosen]
        if not 0.8 * typical < statistics.median(lengths) < 1.25 * typical:
            raise SystemExit(f"bench: pages of {name} have {lengths} bytes, the typical one {typical}")


def cost_of_a_page(ours: Rival) -> dict[str, int]:
    """SQL statements and round trips to memcached of a page, once its cards are cached."""
    for _ in range(2):
        headers = dict(http.fetch(ours.port, "/", {"Cookie": ours.requests[0].cookie}).headers)
    counted = re.findall(r"(\d+) (queries|round trips)", headers["Server-Timing"])
    return {f"member_{what.replace(' ', '_')}": int(number) for number, what in counted}


def measure(found: list[Rival], folder: Path, *, rounds: int, seconds: float) -> None:
    """Each rival's turns, round by round, after each has served every member once."""
    for rival in found:
        http.wrk_requests(rival.port, rival.requests, folder, seconds=60, seed=1, most=2 * MEMBERS)
    for number in range(rounds):
        for rival in rotated(found, number):
            rival.turn(folder, seconds=seconds)


def compared(found: dict[str, Rival]) -> Figures:
    """The rates, and the processor time of a page of ours."""
    ours = found["ours"]
    costs = ours.cpu_a_1000()
    whole = {name: sum(rival.cpu.values()) / rival.served for name, rival in found.items()}
    return {
        "member_vs_constant_page": times_as_fast(ours.timing, found[CONSTANT].timing),
        "member_vs_stock": times_as_fast(ours.timing, found[STOCK].timing),
        "member_vs_bare_wsgi": times_as_fast(ours.timing, found[BARE].timing),
        # Of worker, PostgreSQL and memcached together, where the rate is that of the worker's core.
        "constant_page_cpu_vs_member": round(whole[CONSTANT] / whole["ours"], 3),
        **{f"member_{what}_cpu_seconds_a_1000": seconds for what, seconds in costs.items()},
    }


@dataclass
class MemoryOfAWorker:
    readings: dict[str, dict[str, float]]

    @property
    def figures(self) -> Figures:
        first, early, late = self.readings.values()
        return {
            "pss_mb": late["pss"],
            "pss_growth_mb": round(late["pss"] - early["pss"], 1),
            "pss_first_page_mb": first["pss"],
        }

    @property
    def table(self) -> list[str]:
        return [f"{name:<32}{found['pss']:8.1f} MB PSS" for name, found in self.readings.items()]


def memory_of_a_worker(folder: Path) -> MemoryOfAWorker:
    """The memory of a worker that nothing else shares pages with, after so many members' pages."""
    readings, served = {}, 0
    requests = requests_of(sign_in(SETTINGS["ours"]))
    with production() as site:
        for pages in PAGES:
            if served == 0:
                http.fetch(site.port, "/", {"Cookie": requests[0].cookie})
                served = 1
            while served < pages:
                most = pages - served
                served += http.wrk_requests(
                    site.port, requests, folder, seconds=300, seed=1, most=most
                ).requests
            found = processes.memory(site.worker)
            readings[f"after {pages:,} pages"] = {"pss": found.pss_mb, "private": found.private_mb}
    return MemoryOfAWorker(readings)


def table(found: dict[str, Rival]) -> list[str]:
    lines = [f"{'':<16}{'requests/s':>12}" + "".join(f"{name:>20}" for name in found["ours"].cpu)]
    for name, rival in found.items():
        costs = "".join(f"{seconds * 1000:>17.0f} µs" for seconds in rival.cpu_a_1000().values())
        lines.append(f"{name:<16}{1000 / rival.timing.median:>12,.0f}{costs}")
    return ["", *lines, ""]

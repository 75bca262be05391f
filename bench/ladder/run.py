"""The run: which cells there are, and one turn of each."""

import random
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from itertools import cycle, islice
from pathlib import Path

from bench.ladder import figures
from bench.ladder.configurations import (
    BARE_WSGI,
    CONSTANT,
    EDGE,
    MAIN,
    NGINX_FILE,
    OPTIMIZATIONS,
    SITES,
    WHOLE,
    added,
    removed,
)
from bench.ladder.journal import Cell, Journal, Progress
from bench.ladder.load import CLIENTS, Request, send
from bench.ladder.mail import Mail, mail_server
from bench.ladder.meters import PRELOADED, Meters
from bench.ladder.scenarios import MIX, READS, WRITES, Scenario, World, world
from bench.ladder.sites import Site, start
from bench.lib import processes
from bench.lib.community import KWIPS, community
from bench.lib.database import postgres
from bench.lib.measure import rotated
from bench.lib.report import Result, commit

# Rounds, seconds of each turn.
SIZES = {"small": (3, 1), "full": (5, 3)}
LONGER = 3  # times the seconds of a turn that had fewer answers than clients
MOST_SECONDS = 30
WARMED = 4  # requests before the first turn of a scenario
COUNTED = 2  # requests after it, whose statements, rows, keys and connections are counted


def run(*, size: str) -> Result:
    """Measures every cell that the journal does not have."""
    rounds, seconds = SIZES[size]
    journal = Journal(commit(), size)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres(*PRELOADED))
        processes.pin(server.pid, processes.other_cores())
        stack.enter_context(community(server, "ladder", kwips=KWIPS[size]))
        ladder = Ladder(journal, folder, seconds=seconds, is_small=size == "small")
        ladder.world = world()
        ladder.meters = stack.enter_context(closing(Meters(server, "ladder")))
        ladder.mail = stack.enter_context(mail_server())
        ladder.sites = start(stack, folder, ladder.mail.variables, member=ladder.cookie())
        # What is read is read before anything is written.
        ladder.run(rounds, READS)
        ladder.run(rounds, WRITES)
        ladder.run(rounds, MIX[size])
        memory = {name: processes.memory(site.worker).pss_mb for name, site in ladder.sites.items()}
    result = figures.result(journal.values, memory)
    journal.forget()
    return result


def configurations_of(scenario: Scenario, *, is_small: bool) -> list[str]:
    """Those that have the scenario, in the order of the ladder."""
    about = scenario.about if is_small or not scenario.about else OPTIMIZATIONS
    wanted = {*MAIN, *map(added, about), *map(removed, about)}
    names = [name for name in SITES if name in wanted]
    if scenario.has_edge:
        names.append(EDGE)
    if scenario.name == "front page":
        names += [NGINX_FILE, BARE_WSGI]
    if scenario.name == "network 100 active":
        names.append(CONSTANT)
    return names


class Ladder:
    """Every cell in turn, on running sites."""

    world: World
    meters: Meters
    mail: Mail
    sites: Mapping[str, Site]

    def __init__(self, journal: Journal, folder: Path, *, seconds: int, is_small: bool) -> None:
        self.journal = journal
        self.folder = folder
        self.seconds = seconds
        self.is_small = is_small
        # By scenario and configuration.
        self.counted: dict[tuple[str, str], dict[str, float]] = {}

    def cookie(self) -> str:
        """The cookies of a member at the whole site."""
        return next(iter(self.world.viewers.values())).cookies[SITES[WHOLE].backend]

    def run(self, rounds: int, scenarios: Sequence[Scenario]) -> None:
        cells = [
            (scenario, Cell(scenario.name, name, number))
            for number in range(rounds)
            for scenario in scenarios
            for name in rotated(configurations_of(scenario, is_small=self.is_small), number)
        ]
        left = [(scenario, cell) for scenario, cell in cells if cell not in self.journal.values]
        progress = Progress(len(left))
        for scenario, cell in left:
            values = self.measured(scenario, cell)
            self.journal.add(cell, values)
            progress.tell(cell, values)

    def measured(self, scenario: Scenario, cell: Cell) -> dict[str, float]:
        """One cell: a turn, and what one request costs in statements, rows, keys and connections."""
        site, of = self.sites[cell.configuration], (scenario.name, cell.configuration)
        self.mail.become(scenario.mail)
        if of not in self.counted:
            self.answers(scenario, site, WARMED)
        values = self.turn(scenario, site)
        if scenario.is_mix:
            self.counted[of] = {}  # its requests differ
        if of not in self.counted:
            before = self.meters.read(site.pids, site.memcached)
            self.answers(scenario, site, COUNTED)
            self.counted[of] = self.meters.read(site.pids, site.memcached).counted_since(before, COUNTED)
        if scenario.writes:
            # No worker runs here: what the queue has is not executed.
            self.meters.execute("TRUNCATE commandqueue_command")
        return values | self.counted[of]

    def requests(self, scenario: Scenario, site: Site) -> list[Request]:
        if site.name == NGINX_FILE:
            return [Request("/static/page.html")]
        if site.name == CONSTANT:
            return [Request("/", site.cookie)]
        configuration = SITES.get(site.name, SITES[WHOLE])
        return scenario.requests(self.world, configuration)

    def answers(self, scenario: Scenario, site: Site, number: int) -> None:
        """Sends so many requests, one after the other. Raises SystemExit for an answer that is wrong."""
        for request in islice(cycle(self.requests(scenario, site)), number):
            answer = site.answer(request)
            # Without the queue the site can't take a message while the mail server is dead.
            expected = {302, 503} if scenario.mail == "dead" else {302} if request.body else {200}
            if answer.status not in expected or (answer.status == 200 and len(answer.body) < 1_000):
                raise SystemExit(f"bench: {site.name} answers {request.path} with {answer.status}")

    def turn(self, scenario: Scenario, site: Site) -> dict[str, float]:
        """One turn; a longer one where it was too short for an answer to each client."""
        seconds = self.seconds
        values, answers = self.once(scenario, site, seconds=seconds)
        while answers < min(CLIENTS, scenario.clients) and seconds * LONGER <= MOST_SECONDS:
            seconds *= LONGER
            values, answers = self.once(scenario, site, seconds=seconds)
        if not answers:
            raise SystemExit(f"bench: {scenario.name}: {site.name} answers nothing within {seconds} seconds")
        return values

    def once(self, scenario: Scenario, site: Site, *, seconds: int) -> tuple[dict[str, float], int]:
        """What a turn showed, and how many answers it had."""
        requests = self.requests(scenario, site)
        seed = random.SystemRandom().randrange(2**31)  # its form keys are those of no other turn
        before = self.meters.read(site.pids, site.memcached)
        seen = send(site.port, requests, self.folder, seconds=seconds, seed=seed, clients=scenario.clients)
        # Requests that wrk has left behind: one of each client.
        time.sleep(min(2.0, 0.1 + 2 * seen.p50 / 1000))
        after = self.meters.read(site.pids, site.memcached)
        values = {
            "rate": round(seen.rate, 1),
            "p50_ms": seen.p50,
            "p99_ms": seen.p99,
            "errors": round((seen.refused + seen.broken) / max(1, seen.requests), 4),
            **after.cpu_since(before, seen.requests + scenario.clients),
        }
        return values, seen.requests

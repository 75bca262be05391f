"""The run: which cells there are, and one turn of each."""

import random
import sys
import tempfile
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import cycle, islice
from pathlib import Path

from bench.ladder import figures
from bench.ladder.configurations import (
    BARE_VIEW,
    BARE_WSGI,
    CONSTANT,
    EDGE,
    MAIN,
    NGINX_FILE,
    OPTIMIZATIONS,
    SITES,
    WHOLE,
    Configuration,
    added,
    removed,
)
from bench.ladder.counting import counted
from bench.ladder.forms import publishing_by
from bench.ladder.journal import COUNTING, Cell, Journal, Progress
from bench.ladder.load import CLIENTS, Request, send
from bench.ladder.mail import Mail, mail_server
from bench.ladder.meters import PRELOADED, Meters, cpu
from bench.ladder.scenarios import GROWTH, MIX, OF_A_TENTH, READS, WRITES, Scenario, World, world
from bench.ladder.sites import Site, start
from bench.lib import processes
from bench.lib.community import KWIPS, community
from bench.lib.database import Server, postgres
from bench.lib.measure import rotated
from bench.lib.report import Result, commit

# Rounds, seconds of each turn.
SIZES = {"small": (3, 1), "full": (5, 3)}
FEW_ROUNDS = 3  # of what shows growth alone
LONGER = 3  # times the seconds of a turn that had fewer answers than clients
MOST_SECONDS = 30
SETTLED = 0.15  # seconds in which a site and its services do next to nothing
WARMED = 4  # requests before the first turn of a scenario
# No worker runs here: what the queue has is not executed.
FORGET = "TRUNCATE commandqueue_command"
# Autovacuum, which a site has, is off: it would run in the turn of one site or of another. Without
# statistics prepared statements keep the plans that they had for a few rows: a publish took three times as
# long after 50,000 notices.
TEND = "VACUUM (ANALYZE)"
FLOORS_OF = {
    "front page": (NGINX_FILE, BARE_WSGI),
    "network 100 active": (CONSTANT,),
    "publish": (BARE_VIEW,),
}


def run(*, size: str) -> Result:
    """Measures every cell that the journal does not have."""
    journal = Journal(commit(), size)
    rounds, _ = SIZES[size]
    # What is read is read before anything is written.
    steps = ((READS, rounds), (GROWTH, FEW_ROUNDS), (WRITES, rounds), (MIX[size], rounds))
    cells = [cell for scenarios, each in steps for cell in cells_of(scenarios, each, size)]
    tenth = cells_of(OF_A_TENTH, FEW_ROUNDS, size) if size == "full" else []
    progress = Progress(sum(cell not in journal.values for _, cell in [*cells, *tenth]))
    if tenth:
        with running(journal, progress, "tenth", kwips=KWIPS["small"] // 10, size=size) as ladder:
            ladder.start(MAIN)
            ladder.run(tenth)
    with running(journal, progress, "ladder", kwips=KWIPS["small"], size=size) as ladder:
        ladder.count([*READS, *GROWTH, *WRITES])
        ladder.start(SITES)
        ladder.run(cells)
        memory = ladder.memory()
    result = figures.result(journal.values, memory)
    journal.forget()
    return result


def cells_of(scenarios: Sequence[Scenario], rounds: int, size: str) -> list[tuple[Scenario, Cell]]:
    """All turns, in their order: round by round."""
    return [
        (scenario, Cell(scenario.name, name, number))
        for number in range(rounds)
        for scenario in scenarios
        for name in rotated(configurations_of(scenario, is_small=size == "small"), number)
    ]


@contextmanager
def running(
    journal: Journal, progress: Progress, database: str, *, kwips: int, size: str
) -> Iterator["Ladder"]:
    """A ladder whose services run, on a copy of the community with so many kwips."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = stack.enter_context(postgres(*PRELOADED))
        processes.pin(server.pid, processes.other_cores())
        stack.enter_context(community(server, database, kwips=kwips))
        services = Services(
            server,
            stack.enter_context(closing(Meters(server, database))),
            stack.enter_context(mail_server()),
            world(),
        )
        yield Ladder(journal, progress, stack, folder, services, size=size)


def configurations_of(scenario: Scenario, *, is_small: bool) -> list[str]:
    """Those that have the scenario, in the order of the ladder."""
    about = scenario.about if is_small or not scenario.about else OPTIMIZATIONS
    wanted = {*MAIN, *map(added, about), *map(removed, about)}
    names = [name for name in SITES if name in wanted]
    if scenario.has_edge:
        names.append(EDGE)
    return names + list(FLOORS_OF.get(scenario.name, ()))


@dataclass(frozen=True)
class Services:
    """What all sites use."""

    server: Server
    meters: Meters
    mail: Mail
    world: World


class Ladder:
    """Every cell in turn."""

    def __init__(
        self,
        journal: Journal,
        progress: Progress,
        stack: ExitStack,
        folder: Path,
        services: Services,
        *,
        size: str,
    ) -> None:
        _, self.seconds = SIZES[size]
        self.is_small = size == "small"
        self.progress = progress
        self.journal = journal
        self.sites: Mapping[str, Site] = {}
        self._stack = stack
        self._folder = folder
        self._services = services
        self._warm: set[tuple[str, str]] = set()

    def start(self, names: Collection[str]) -> None:
        """Starts the sites that are timed; with all configurations also nginx and the floors."""
        member = next(iter(self._services.world.viewers.values())).cookies[SITES[WHOLE].backend]
        self.sites = start(self._stack, self._folder, self._services.mail.variables, names, member=member)

    def memory(self) -> dict[str, float]:
        """PSS of each worker now, in MB."""
        return {name: processes.memory(site.worker).pss_mb for name, site in self.sites.items()}

    # ── What a request costs ──────────────────────────────────────────────────────────────────────

    def count(self, scenarios: Sequence[Scenario]) -> None:
        """Counts a request of each scenario at each configuration, with one configuration after the other."""
        for name, configuration in SITES.items():
            left = [
                (scenario, cell)
                for scenario in scenarios
                if name in configurations_of(scenario, is_small=self.is_small)
                and (cell := Cell(scenario.name, name, COUNTING)) not in self.journal.values
            ]
            if left:
                print(f"counting the requests of {name}", file=sys.stderr, flush=True)
                self._count(configuration, left)

    def _count(self, configuration: Configuration, left: Sequence[tuple[Scenario, Cell]]) -> None:
        services, folder = self._services, self._folder / "relays"
        variables = services.mail.variables
        with counted(configuration, folder, services.server, services.meters, variables) as those:
            for scenario, cell in left:
                services.mail.become(scenario.mail)
                self.journal.add(cell, those.cost(partial(self.answers, scenario)))
        services.meters.execute(FORGET)

    # ── Turns ─────────────────────────────────────────────────────────────────────────────────────

    def run(self, cells: Sequence[tuple[Scenario, Cell]]) -> None:
        self.progress.begin()
        for scenario, cell in cells:
            if cell not in self.journal.values:
                values = self.measured(scenario, cell)
                self.journal.add(cell, values)
                self.progress.tell(cell, values)

    def measured(self, scenario: Scenario, cell: Cell) -> dict[str, float]:
        """One cell: a turn."""
        site, of = self.sites[cell.configuration], (scenario.name, cell.configuration)
        self._services.mail.become(scenario.mail)
        if of not in self._warm:
            self.answers(scenario, site, WARMED)
            self._warm.add(of)
        values = self.turn(scenario, site)
        if scenario.writes:
            self._services.meters.execute(FORGET)
            self._services.meters.execute(TEND)
        return values

    def requests(self, scenario: Scenario, site: Site) -> list[Request]:
        if site.name == NGINX_FILE:
            return [Request("/static/page.html")]
        if site.name == CONSTANT:
            return [Request("/", site.cookies[0])]
        if site.name == BARE_VIEW:
            return list(publishing_by(site.cookies, self._services.world.members))
        configuration = SITES.get(site.name, SITES[WHOLE])
        return scenario.requests(self._services.world, configuration)

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
        requests, meters = self.requests(scenario, site), self._services.meters
        seed = random.SystemRandom().randrange(2**31)  # its form keys are those of no other turn
        before = meters.seconds(site.pids)
        seen = send(site.port, requests, self._folder, seconds=seconds, seed=seed, clients=scenario.clients)
        self.settle(site)
        values = {
            "rate": round(seen.rate, 1),
            "p50_ms": seen.p50,
            "p99_ms": seen.p99,
            "errors": round((seen.refused + seen.broken) / max(1, seen.requests), 4),
            **cpu(before, meters.seconds(site.pids), seen.requests + scenario.clients),
        }
        return values, seen.requests

    def settle(self, site: Site) -> None:
        """Returns when the site does nothing more. wrk leaves a request of each client behind, which would
        take the core from the next turn.
        """
        deadline = time.monotonic() + MOST_SECONDS
        before = self._services.meters.seconds(site.pids)
        while time.monotonic() < deadline:
            time.sleep(SETTLED)
            now = self._services.meters.seconds(site.pids)
            if sum(now.values()) - sum(before.values()) < SETTLED / 5:
                return
            before = now

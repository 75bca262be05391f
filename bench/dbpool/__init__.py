"""The connection pool: beside Django's two ways to connect, and psycopg 3's pool.

PostgreSQL listens on TCP with TLS and SCRAM. Each rival is a gunicorn of 2 processes with 16 threads that
serves the same light page to 32 clients; psycopg 3 has a virtual environment of its own. The pools have 4
connections a process. All rivals run the whole time and get the load in turns.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread

from bench.dbpool.light_page import WAYS
from bench.dbpool.tls_postgres import Server, programs, tls_postgres
from bench.lib.database import HOME
from bench.lib.http import Load, load
from bench.lib.measure import Ratio, Timing, rotated, times_as_fast
from bench.lib.processes import cpu_seconds
from bench.lib.report import Figures, Result, program_version
from bench.lib.servers import gunicorn

PROGRAMS = ("openssl",)
MODULES = ("uv",)
FOLDER = HOME / "dbpool"
CLIENTS = 32
# Short turns and many of them: a slow moment of the machine affects all rivals.
TURNS = {"small": (15, 1.5), "full": (25, 4.0)}


class Rival:
    """One way to connect, and what was measured of the site that uses it."""

    def __init__(self, way: str, port: int, pid: int) -> None:
        self.way = way
        self.port = port
        self.pid = pid
        self.loads: list[Load] = []
        self.sessions: list[int] = []
        self.cpu_seconds = 0.0

    @property
    def timing(self) -> Timing:
        """Milliseconds a page: the inverse of requests a second."""
        timing = Timing(calls=min(len(load.milliseconds) for load in self.loads))
        timing.rounds = [1000 / load.requests_a_second for load in self.loads]
        return timing

    def as_json(self) -> dict[str, object]:
        milliseconds = sorted(value for load in self.loads for value in load.milliseconds)
        return {
            "requests_a_second": round(statistics.median(load.requests_a_second for load in self.loads)),
            "requests_a_second_by_round": [round(load.requests_a_second) for load in self.loads],
            "failed": sum(load.failed for load in self.loads),
            "server_connections": max(self.sessions),
            # Of gunicorn and PostgreSQL together. Unlike a rate, it holds on a machine with other work to do.
            "cpu_ms_a_page": round(self.cpu_seconds * 1000 / len(milliseconds), 2),
            "median_ms": round(statistics.median(milliseconds), 1),
            "p99_ms": round(milliseconds[len(milliseconds) * 99 // 100], 1),
        }


def run(*, size: str) -> Result:
    """Starts PostgreSQL and the rivals, and loads them in turns."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    postgres = programs() / "postgres"
    psycopg3 = psycopg3_python(FOLDER / "psycopg3")
    rounds, seconds = TURNS[size]
    with ExitStack() as stack:
        server = stack.enter_context(tls_postgres(FOLDER))
        rivals = [
            stack.enter_context(served(way, server, psycopg3 if way == "psycopg3_pool" else sys.executable))
            for way in WAYS
        ]
        for rival in rivals:
            load(rival.port, "/", clients=CLIENTS, seconds=1)  # connects, imports
        for number in range(rounds):
            for rival in rotated(rivals, number):
                measure(rival, server, seconds=seconds)
    details = {"clients": CLIENTS, "rivals": {rival.way: rival.as_json() for rival in rivals}}
    versions = {"postgresql": program_version([str(postgres), "-V"])}
    return Result(compared({rival.way: rival for rival in rivals}), details, table(rivals), versions)


def compared(rivals: dict[str, Rival]) -> Figures:
    """The pool beside each other way, and how many connections it needs."""
    ours = rivals["ours"]
    connections = {way: max(rival.sessions) for way, rival in rivals.items()}
    names = {
        "connect_each_request": "pool_times_as_fast_as_a_connection_a_request",
        "persistent": "pool_times_as_fast_as_persistent_connections",
        "psycopg3_pool": "pool_times_as_fast_as_psycopg3_pool",
    }
    figures: dict[str, Ratio | float | int] = {
        name: times_as_fast(ours.timing, rivals[way].timing) for way, name in names.items()
    }
    share = round(connections["ours"] / connections["persistent"], 2)
    return figures | {"pool_connections_as_share_of_persistent": share}


def measure(rival: Rival, server: Server, *, seconds: float) -> None:
    """One rival's turn, during which its sessions at PostgreSQL are counted."""
    over = Event()

    def count() -> None:
        while not over.wait(0.3):
            rival.sessions.append(server.sessions(rival.way))

    counting = Thread(target=count)
    counting.start()
    before = cpu_seconds(rival.pid) + cpu_seconds(server.pid)
    rival.loads.append(load(rival.port, "/", clients=CLIENTS, seconds=seconds))
    rival.cpu_seconds += cpu_seconds(rival.pid) + cpu_seconds(server.pid) - before
    over.set()
    counting.join()


@contextmanager
def served(way: str, server: Server, python: str) -> Iterator[Rival]:
    """A gunicorn whose site connects in that way; yields when it answers."""
    site = gunicorn(
        # By its own name: the import of this package would need the project's packages.
        f"light_page:application({way!r})",
        ready="/",
        workers=2,
        threads=16,
        python=python,
        BENCH_DATABASE=json.dumps(server.settings),
        PYTHONPATH=str(Path(__file__).parent),
    )
    with site as running:
        yield Rival(way, running.port, running.pid)


def psycopg3_python(folder: Path) -> str:
    """The Python of an environment with psycopg 3 and, of all else, the project's versions."""
    python = folder / "bin" / "python"
    packages = [f"{name}=={version(name)}" for name in ("django", "gunicorn")]
    uv = [sys.executable, "-m", "uv", "--quiet"]
    if not python.exists():
        subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, "pip", "install", "--python", python, *packages, "psycopg[binary,pool]"], check=True)
    return str(python)


def table(rivals: list[Rival]) -> list[str]:
    lines = [
        f"{'':<20}{'requests/s':>12}{'median ms':>12}{'p99 ms':>10}{'connections':>13}"
        f"{'cpu ms':>8}{'failed':>8}"
    ]
    for rival in rivals:
        row = rival.as_json()
        lines.append(
            f"{rival.way:<20}{row['requests_a_second']:>12}{row['median_ms']:>12}{row['p99_ms']:>10}"
            f"{row['server_connections']:>13}{row['cpu_ms_a_page']:>8}{row['failed']:>8}"
        )
    return lines

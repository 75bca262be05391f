"""Connections: this site's pool against Django's two ways and psycopg 3's pool.

PostgreSQL listens on TCP with TLS and SCRAM. Each rival is a gunicorn of 2 processes with 16 threads that
serves the same light page to 32 browsers; psycopg 3 has a virtual environment of its own. The pools have 4
connections a process. All run the whole time and take turns with the load.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from importlib.metadata import version
from pathlib import Path
from threading import Event, Thread

from bench import report
from bench._dbpool_load import Load, load
from bench._dbpool_server import Server, free_port, tls_postgres
from bench._dbpool_site import WAYS
from bench.database import ROOT
from bench.measure import Figure, ratio
from deploy.local import services

FOLDER = ROOT / "var" / "bench" / "dbpool"
BROWSERS = 32
# Short turns and many of them: a slow moment of the machine hits all alike.
TURNS = {"small": (15, 1.5), "full": (25, 4.0)}
GUNICORN = ["--worker-class=gthread", "--workers=2", "--threads=16", "--keep-alive=75", "--log-level=error"]


class Rival:
    """One way to reach the database, being served."""

    def __init__(self, way: str, port: int, pid: int) -> None:
        self.way = way
        self.port = port
        self.pid = pid
        self.loads: list[Load] = []
        self.sessions: list[int] = []
        self.cpu_seconds = 0.0

    @property
    def figure(self) -> Figure:
        """Milliseconds a page: the inverse of requests a second."""
        figure = Figure(calls=min(len(load.milliseconds) for load in self.loads))
        figure.rounds = [1000 / load.requests_a_second for load in self.loads]
        return figure

    def as_json(self) -> dict[str, object]:
        milliseconds = sorted(value for load in self.loads for value in load.milliseconds)
        return {
            "requests_a_second": round(statistics.median(load.requests_a_second for load in self.loads)),
            "requests_a_second_by_round": [round(load.requests_a_second) for load in self.loads],
            "failed": sum(load.failed for load in self.loads),
            "server_connections": max(self.sessions),
            # Of gunicorn and PostgreSQL together: it holds on a machine with other work to do.
            "cpu_ms_a_page": round(self.cpu_seconds * 1000 / len(milliseconds), 2),
            "median_ms": round(statistics.median(milliseconds), 1),
            "p99_ms": round(milliseconds[len(milliseconds) * 99 // 100], 1),
        }


def run(*, size: str) -> None:
    """Measures, prints the ratios and writes the result."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    psycopg3 = psycopg3_python(FOLDER / "psycopg3")
    rounds, seconds = TURNS[size]
    with ExitStack() as stack:
        server = stack.enter_context(tls_postgres(FOLDER))
        rivals = [
            stack.enter_context(served(way, server, psycopg3 if way == "psycopg3_pool" else sys.executable))
            for way in WAYS
        ]
        for rival in rivals:
            load(rival.port, browsers=BROWSERS, seconds=1)  # connects, imports
        for turn in range(rounds):
            shift = turn % len(rivals)
            for rival in rivals[shift:] + rivals[:shift]:
                measure(rival, server, seconds=seconds)
    figures = {rival.way: rival.figure for rival in rivals}
    connections = {rival.way: max(rival.sessions) for rival in rivals}
    ratios = {
        f"vs_{way}": round(ratio(figures[way], figures["ours"]), 2) for way in WAYS if way != "ours"
    } | {"server_connections_vs_persistent": round(connections["ours"] / connections["persistent"], 2)}
    details = {"browsers": BROWSERS, "rivals": {rival.way: rival.as_json() for rival in rivals}}
    path = report.write("dbpool", size=size, ratios=ratios, details=details)
    print_table(rivals, ratios)
    print(f"\n{path}")


def measure(rival: Rival, server: Server, *, seconds: float) -> None:
    """One rival's turn; meanwhile PostgreSQL's processes for it are counted."""
    over = Event()

    def count() -> None:
        while not over.wait(0.3):
            rival.sessions.append(server.sessions(rival.way))

    counting = Thread(target=count)
    counting.start()
    before = cpu_seconds(rival.pid) + cpu_seconds(server.pid)
    rival.loads.append(load(rival.port, browsers=BROWSERS, seconds=seconds))
    rival.cpu_seconds += cpu_seconds(rival.pid) + cpu_seconds(server.pid) - before
    over.set()
    counting.join()


def cpu_seconds(pid: int) -> float:
    """What a server and its processes, those that have ended too, have taken of the processors."""
    ticks = 0
    for process in (pid, *services.descendants(pid)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        ticks += sum(int(field) for field in fields[11 : 15 if process == pid else 13])
    return ticks / os.sysconf("SC_CLK_TCK")


@contextmanager
def served(way: str, server: Server, python: str) -> Iterator[Rival]:
    """A gunicorn with that way to the database; yields when it answers."""
    port = free_port()
    application = f"bench._dbpool_site:application({way!r})"
    words = [python, "-m", "gunicorn", *GUNICORN, f"--bind=127.0.0.1:{port}", application]
    environment = os.environ | {"BENCH_DATABASE": json.dumps(server.settings), "PYTHONPATH": str(ROOT)}
    environment.pop("DJANGO_SETTINGS_MODULE", None)
    process = services.spawn(words, death_signal=signal.SIGTERM, env=environment, cwd=ROOT)
    try:
        wait_for(process, f"http://127.0.0.1:{port}/")
        yield Rival(way, port, process.pid)
    finally:
        services.stop(process)


def wait_for(process: "subprocess.Popen[bytes]", address: str) -> None:
    deadline = time.monotonic() + 60
    while process.poll() is None and time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(address, timeout=10):  # noqa: S310
                return
        except urllib.error.HTTPError as error:
            raise SystemExit(f"{address} answers {error.code}") from error
        except OSError:
            time.sleep(0.1)
    raise SystemExit(f"nothing answers on {address}")


def psycopg3_python(folder: Path) -> str:
    """The Python of psycopg 3's environment, made where there is none: all else in the project's versions."""
    python = folder / "bin" / "python"
    packages = [f"{name}=={version(name)}" for name in ("django", "gunicorn")]
    uv = [sys.executable, "-m", "uv", "--quiet"]
    if not python.exists():
        subprocess.run([*uv, "venv", "--python", sys.executable, folder], check=True)
    subprocess.run([*uv, "pip", "install", "--python", python, *packages, "psycopg[binary,pool]"], check=True)
    return str(python)


def print_table(rivals: list[Rival], ratios: dict[str, float]) -> None:
    print(
        f"{'':<20}{'requests/s':>12}{'median ms':>12}{'p99 ms':>10}{'connections':>13}"
        f"{'cpu ms':>8}{'failed':>8}"
    )
    for rival in rivals:
        row = rival.as_json()
        print(
            f"{rival.way:<20}{row['requests_a_second']:>12}{row['median_ms']:>12}{row['p99_ms']:>10}"
            f"{row['server_connections']:>13}{row['cpu_ms_a_page']:>8}{row['failed']:>8}"
        )
    for name, value in ratios.items():
        print(f"{name}: {value}")

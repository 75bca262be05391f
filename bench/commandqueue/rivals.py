"""The rivals' environments and processes, and the SMTP server that all of them send to."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg2

from bench.database import ROOT

HOME = ROOT / "var" / "bench"
SCRIPT = Path(__file__).with_name("_commandqueue_rival.py")
# Each where it works: django-mailer fails under Django 6.1's MAILERS.
PEERS = {
    "django-mailer": ["django==5.2.17", "django-mailer==2.3.2", "psycopg2-binary==2.9.13"],
    "django-post_office": ["django==6.1.3", "django-post_office==3.12.0", "psycopg2-binary==2.9.13"],
    "django-tasks-db": ["django==6.1.3", "django-tasks-db==0.13.0", "psycopg2-binary==2.9.13"],
}


class Rival:
    """A queue in a process of its own, which does as it is told, line by line."""

    def __init__(self, name: str, *, port: int) -> None:
        database = "queue_" + "".join(letter if letter.isalnum() else "_" for letter in name.lower())
        _make_database(database)
        sockets = os.environ["DATABASE_HOST"]
        environment = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
        self.name = name
        self.process = subprocess.Popen(
            [_python(name), str(SCRIPT), name, sockets, database, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(HOME / f"{database}.log").open("w"),
            env=environment | {"KWIPPY_ROOT": str(ROOT)},
            text=True,
        )
        self._answer()

    def seconds(self, order: str) -> float:
        """Give an order; returns how long it took."""
        print(order, file=self.process.stdin, flush=True)
        return float(self._answer())

    def close(self) -> None:
        self.process.kill()
        self.process.wait()

    def _answer(self) -> str:
        if line := next(iter(self.process.stdout or ()), ""):
            return line
        raise SystemExit(f"{self.name} has ended; see var/bench/queue_*.log")


@contextmanager
def sink() -> Iterator[tuple[int, str]]:
    """Runs an SMTP server that takes everything and keeps nothing; gives its port and what it is."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    program = shutil.which("smtp-sink") or _unpacked_sink()
    if program:
        libraries = Path(program).parents[1] / "lib" / "postfix"
        command = [program, *(["-u", "nobody"] if os.geteuid() == 0 else []), f"127.0.0.1:{port}", "128"]
        name, environment = "smtp-sink (Postfix)", os.environ | {"LD_LIBRARY_PATH": str(libraries)}
    else:
        command = [sys.executable, str(SCRIPT.with_name("_commandqueue_sink.py")), str(port)]
        name, environment = "an asyncio sink of our own", dict(os.environ)
    process = subprocess.Popen(command, env=environment)
    try:
        _wait_for(port)
        yield port, name
    finally:
        process.kill()
        process.wait()


def unused_port() -> int:
    """A port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _unpacked_sink() -> str:
    """Debian's smtp-sink, unpacked below var/ and not installed; "" where there is none to be had."""
    program = HOME / "postfix" / "usr" / "sbin" / "smtp-sink"
    if not program.exists() and shutil.which("apt-get") and shutil.which("dpkg"):
        HOME.mkdir(parents=True, exist_ok=True)
        quiet = {"cwd": HOME, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, "check": False}
        subprocess.run(["apt-get", "download", "postfix"], **quiet)  # type: ignore[call-overload]
        for package in HOME.glob("postfix_*.deb"):
            subprocess.run(["dpkg", "-x", str(package), "postfix"], **quiet)  # type: ignore[call-overload]
            package.unlink()
    return str(program) if program.exists() else ""


def _python(name: str) -> str:
    """The Python of a rival's environment, which is made where there is none."""
    if name not in PEERS:
        return sys.executable
    folder = HOME / "peers" / name
    program = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(program), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
        (folder / "complete").touch()
    return str(program)


def _make_database(name: str) -> None:
    connection = psycopg2.connect(host=os.environ["DATABASE_HOST"], user="postgres", dbname="postgres")
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
        cursor.execute(f'CREATE DATABASE "{name}" OWNER kwippy')
    connection.close()


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)

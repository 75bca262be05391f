"""The processes and environments of the rivals, and the SMTP server that all of them send to."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.lib.database import HOME, ROOT, Server
from bench.lib.servers import wait_for_port
from deploy.local.edge import free_port

SCRIPT = Path(__file__).with_name("rival_process.py")
# Each with a Django that it works with: django-mailer fails under Django 6.1's MAILERS.
PEERS = {
    "django-mailer": ["django==5.2.17", "django-mailer==2.3.2", "psycopg2-binary==2.9.13"],
    "django-post_office": ["django==6.1.3", "django-post_office==3.12.0", "psycopg2-binary==2.9.13"],
    "django-tasks-db": ["django==6.1.3", "django-tasks-db==0.13.0", "psycopg2-binary==2.9.13"],
}


class Rival:
    """A queue in a process of its own, which reads orders line by line."""

    def __init__(self, name: str, *, server: Server, port: int) -> None:
        database = "queue_" + "".join(letter if letter.isalnum() else "_" for letter in name.lower())
        server.empty(database)
        environment = {name: value for name, value in os.environ.items() if "DJANGO" not in name}
        self.name = name
        self.process = subprocess.Popen(
            [_python(name), str(SCRIPT), name, str(server.sockets), database, str(port)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=(HOME / f"{database}.log").open("w"),
            env=environment | {"KWIPPY_ROOT": str(ROOT)},
            # django-post_office leaves its lock files in the working directory.
            cwd=HOME,
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
        raise SystemExit(f"bench: {self.name} has ended; see var/bench/queue_*.log")


@contextmanager
def smtp_sink() -> Iterator[tuple[int, str]]:
    """Runs an SMTP server that accepts and drops every message; yields its port and its name."""
    port = free_port()
    program = shutil.which("smtp-sink") or _unpacked_sink()
    if program:
        libraries = Path(program).parents[1] / "lib" / "postfix"
        command = [program, *(["-u", "nobody"] if os.geteuid() == 0 else []), f"127.0.0.1:{port}", "128"]
        name, environment = "smtp-sink (Postfix)", os.environ | {"LD_LIBRARY_PATH": str(libraries)}
    else:
        command = [sys.executable, str(SCRIPT.with_name("smtp_sink.py")), str(port)]
        name, environment = "an asyncio sink of our own", dict(os.environ)
    process = subprocess.Popen(command, env=environment)
    try:
        wait_for_port(port)
        yield port, name
    finally:
        process.kill()
        process.wait()


def _unpacked_sink() -> str:
    """Debian's smtp-sink, unpacked below var/ and not installed; "" where it can't be downloaded."""
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
    """The Python of a rival's environment, made where there is none."""
    if name not in PEERS:
        return sys.executable
    folder = HOME / "peers" / name
    program = folder / "bin" / "python"
    if not (folder / "complete").exists():
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        subprocess.run([str(program), "-m", "pip", "install", "--quiet", *PEERS[name]], check=True)
        (folder / "complete").touch()
    return str(program)

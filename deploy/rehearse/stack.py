"""The site as an operator runs it: a checkout, a `.env`, secrets, and the containers."""

import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from deploy import images

ROOT = Path(__file__).resolve().parents[2]
DOMAIN = "kwippy.test"
SERVICES = ("web", "worker", "postgres", "memcached", "nginx")


class RehearsalError(Exception):
    """A failed check. ``service`` is the one whose log may show the cause, or ""."""

    def __init__(self, message: str, service: str = "") -> None:
        super().__init__(message)
        self.service = service


def run(*command: str, check: bool = True, **options: Any) -> subprocess.CompletedProcess[str]:
    """Runs a program; returns the result. Raises RehearsalError with its last output if it fails."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, **options)
    except FileNotFoundError as error:
        done = subprocess.CompletedProcess(command, 127, "", str(error))
    if check and done.returncode:
        words = "\n".join((done.stdout + done.stderr).splitlines()[-30:])
        raise RehearsalError(f"{' '.join(command)} ended with {done.returncode}:\n{words}")
    return done


def until(condition: Callable[[], object], seconds: float, what: str, service: str = "") -> float:
    """Waits until the condition holds; returns the seconds that it took. Raises RehearsalError."""
    started = time.monotonic()
    while True:
        if condition():
            return time.monotonic() - started
        if time.monotonic() - started > seconds:
            raise RehearsalError(f"not within {seconds:.0f} s: {what}", service)
        time.sleep(0.1)


def wait_for(condition: Callable[[], object], what: str, service: str = "") -> float:
    """Waits up to five minutes, for a busy machine. Raises RehearsalError."""
    return until(condition, 300, what, service)


def local_images() -> dict[str, str]:
    """Without a registry, images of the same names that are here; none if the lock has no digests."""
    named = images.without_digests()
    if (
        not named
        or run("docker", "pull", "--quiet", images.locked()["MEMCACHED_IMAGE"], check=False).returncode == 0
    ):
        return {}
    return named


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def composes() -> list[list[str]]:
    """The installed commands: docker-compose, docker compose, or both."""
    found = [["docker-compose"], ["docker", "compose"]]
    return [command for command in found if run(*command, "version", check=False).returncode == 0]


class Stack:
    """One site in a temporary folder, with a unique project name."""

    def __init__(self, command: list[str], domain: str = DOMAIN) -> None:
        self.command = command
        self.domain = domain
        self.name = f"kwippy-rehearsal-{os.getpid()}-{len(command)}"
        self.place = Path(tempfile.mkdtemp(prefix=f"{self.name}-"))
        # The repository, and the operator's clone of it.
        self.origin = self.place / "origin"
        self.folder = self.place / "kwippy"
        self.http, self.https, self.mail = free_port(), free_port(), free_port()

    # ── Lifecycle ────────────────────────────────────────────────────────────────────────────────

    def publish(self, message: str, **files: str) -> None:
        """Creates the origin from this checkout, or commits ``files`` to it."""
        if not self.origin.exists():
            names = run("git", "ls-files", "-coz", "--exclude-standard", cwd=ROOT).stdout.split("\0")
            for name in filter(None, names):
                if (ROOT / name).is_file():
                    (self.origin / name).parent.mkdir(parents=True, exist_ok=True)
                    shutil.copy2(ROOT / name, self.origin / name)
            run("git", "init", "--quiet", cwd=self.origin)
        for name, content in files.items():
            (self.origin / name).write_text(content)
        who = ("-c", "user.name=rehearsal", "-c", "user.email=rehearsal@kwippy.test")
        run("git", "add", "--all", cwd=self.origin)
        run("git", *who, "commit", "--quiet", "--message", message, cwd=self.origin)

    def settings(self) -> dict[str, str]:
        """The settings that an operator fills in, with free ports."""
        return {
            "COMPOSE_PROJECT_NAME": self.name,
            "DOMAIN": self.domain,
            "CONTACT_EMAIL": f"operators@{DOMAIN}",
            "SMTP_HOST": "mailpit",
            "SMTP_PORT": "1025",
            "SMTP_TLS": "off",
            "HTTP_PORT": str(self.http),
            "HTTPS_PORT": str(self.https),
            "MAILPIT_PORT": str(self.mail),
            **local_images(),
        }

    def set(self, folder: Path, **values: str) -> None:
        """Give variables of a folder's `.env` their values."""
        file = folder / ".env"
        lines = file.read_text().splitlines()
        for name, value in values.items():
            lines = [line for line in lines if not line.startswith((f"{name}=", f"#{name}="))]
            lines.append(f"{name}={value}")
        file.write_text("\n".join(lines) + "\n")

    def setting(self, name: str) -> str:
        """The value of a variable in `.env`; empty if it has none."""
        lines = (self.folder / ".env").read_text().splitlines()
        values = [line.partition("=")[2] for line in lines if line.startswith(f"{name}=")]
        return values[-1] if values else ""

    def down(self) -> None:
        """Removes the containers and the volumes."""
        self.compose("--profile", "dev", "down", "--timeout", "20", "--volumes")

    def remove(self) -> None:
        """Removes everything of this site, in any state."""
        # Ignore further signals: the removal must finish.
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)
        for name in (self.name, f"{self.name}-trial"):
            label = f"label=com.docker.compose.project={name}"
            if containers := run("docker", "ps", "--all", "--quiet", "--filter", label).stdout.split():
                run("docker", "rm", "--force", "--volumes", *containers, check=False)
            for kind in ("volume", "network"):
                if things := run("docker", kind, "ls", "--quiet", "--filter", label).stdout.split():
                    run("docker", kind, "rm", *things, check=False)
            named = ("--format", "{{.Repository}}:{{.Tag}}", name)
            if images := run("docker", "images", *named).stdout.split():
                run("docker", "rmi", *images, check=False)
        shutil.rmtree(self.place, ignore_errors=True)

    # ── Commands ─────────────────────────────────────────────────────────────────────────────────

    @property
    def environment(self) -> dict[str, str]:
        """Our environment without the variables that would override `.env`."""
        ours = {
            name: os.environ[name]
            for name in ("PATH", "HOME", "DOCKER_HOST", "DOCKER_CONFIG")
            if name in os.environ
        }
        return ours | {"COMPOSE": " ".join(self.command), "TERM": "dumb", "LANG": "C.UTF-8"}

    def compose(self, *arguments: str, check: bool = True, **options: Any) -> str:
        """Runs docker-compose; returns its standard output."""
        return run(
            *self.command, *arguments, check=check, cwd=self.folder, env=self.environment, **options
        ).stdout

    def script(self, *command: str) -> str:
        """Runs one of the operator's scripts; returns all its output."""
        done = run(*command, cwd=self.folder, env=self.environment)
        return done.stdout + done.stderr

    def exec(self, service: str, *command: str, **options: Any) -> str:
        """Run something inside a service."""
        return self.compose("exec", "-T", service, *command, **options)

    def sql(self, statement: str) -> str:
        """Runs a statement; returns one line for each row."""
        return self.exec("postgres", "psql", "-U", "postgres", "-d", "kwippy", "-Atc", statement)

    @property
    def image(self) -> str:
        """The image that `web` runs."""
        return str(self.inspect(self.containers("web")[0])["Config"]["Image"])

    def containers(self, service: str) -> list[str]:
        """The ids of the running containers."""
        label, project = (
            f"label=com.docker.compose.service={service}",
            f"label=com.docker.compose.project={self.name}",
        )
        return run("docker", "ps", "-q", "--filter", label, "--filter", project).stdout.split()

    def inspect(self, thing: str) -> dict[str, Any]:
        return dict(json.loads(run("docker", "inspect", thing).stdout)[0])

    def healthy(self, service: str) -> bool:
        containers = self.containers(service)
        states = [self.inspect(container)["State"] for container in containers]
        return bool(states) and all(state.get("Health", {}).get("Status") == "healthy" for state in states)

    def kill(self, service: str, process: str = "first") -> None:
        """Kill a service's first process, or with ``process="child"`` one that it has started, from outside.

        After `docker kill` the engine would not restart it.
        """
        container = self.containers(service)[0]
        pid = self.inspect(container)["State"]["Pid"]
        program = (
            "import os, pathlib, signal, sys\n"
            "pid, which = sys.argv[1:]\n"
            "children = pathlib.Path(f'/proc/{pid}/task/{pid}/children')\n"
            "pid = children.read_text().split()[0] if which == 'child' else pid\n"
            "os.kill(int(pid), signal.SIGKILL)\n"
        )
        root = ("docker", "run", "--rm", "--pid", "host", "--user", "0", "--network", "none")
        run(*root, self.image, "python", "-c", program, str(pid), process)

    def logs(self, service: str, lines: int = 60) -> str:
        return self.compose("logs", "--no-color", "--tail", str(lines), service, check=False)

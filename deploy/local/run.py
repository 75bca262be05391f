"""`make run`: the whole site on this machine, everything it keeps in `var/`, until Ctrl-C."""

import contextlib
import errno
import fcntl
import http.client
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import FrameType
from typing import NoReturn

from deploy.local import services
from deploy.local.memcached import Memcached
from deploy.local.postgres import ROLE, Postgres
from deploy.local.services import ServiceError

ROOT = Path(__file__).resolve().parents[2]
DATABASE = "kwippy"
NEEDED_BYTES = 300 * 1024 * 1024
ANSWER_SECONDS = 60.0
# honcho itself waits five seconds before it kills.
STOP_SECONDS = 8.0


class Stopped(BaseException):
    """Somebody asked us to stop. Not an Exception: no handler on the way may take it for its own."""


def say(text: str) -> None:
    """Print a line; a terminal that has gone away must not keep us from stopping in order."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> int:
    """Run until asked to stop (0) or until something fails (1, after one line that says what)."""
    services.adopt_orphans()
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, raise_stopped)
    os.chdir(ROOT)
    code = 0
    try:
        run(ROOT / "var", os.environ.get("PORT") or "8000")
    except Stopped:
        say("kwippy has stopped; everything you did is kept in var/.")
    except ServiceError as error:
        code = fail(str(error))
    except OSError as error:
        full = error.errno == errno.ENOSPC
        code = fail("no space left on device" if full else str(error))
    finally:
        ignore_signals()
        services.stop_descendants()
    return code


def raise_stopped(_number: int, _frame: FrameType | None) -> NoReturn:
    """Signal handler: begin to stop. The way down is short and must not be cut by a second signal."""
    ignore_signals()
    raise Stopped


def ignore_signals() -> None:
    """From here on nothing interrupts the clean end."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def fail(reason: str) -> int:
    """Tell the person at the terminal; return the exit code."""
    with contextlib.suppress(OSError):
        print(f"kwippy: {reason}", file=sys.stderr, flush=True)
    return 1


def run(var: Path, port_text: str) -> None:
    """Start everything and watch it. Raises Stopped, or ServiceError if a part fails."""
    port = parse_port(port_text)
    var.mkdir(exist_ok=True)
    with contextlib.ExitStack() as cleanup:
        cleanup.enter_context(lock(var / "run.lock"))
        addresses = free_addresses(port)
        check_disk(var)
        postgres = Postgres(var / "postgres", sockets=var / "run")
        cleanup.callback(postgres.stop)
        sockets = services.socket_directory(var / "run")
        memcached = Memcached(sockets) if Memcached.program() else None
        env = environment(var, port, sockets, memcached, addresses)
        preparation = spawn(["deploy.local.prepare"], env, stdin=subprocess.PIPE)
        cleanup.callback(services.stop, preparation, signal.SIGTERM, 2)
        postgres.start()
        postgres.create_database(DATABASE)
        if memcached is not None:
            cleanup.callback(memcached.stop)
            memcached.start()
        else:
            say("memcached is not installed: pages come from an in-process cache instead.")
        finish(preparation)
        command = ["honcho", "-e", os.devnull, "-f", "deploy/local/Procfile", "start"]
        # To stdout, so that its complaint goes the same way when a reader (`| head`) has gone.
        honcho = spawn(command, env, stderr=subprocess.STDOUT)
        cleanup.callback(services.stop, honcho, signal.SIGTERM, STOP_SECONDS)
        cleanup.callback(wait_for_grandchildren, honcho)
        watch(port, honcho, postgres, memcached, var)


def parse_port(text: str) -> int:
    """The port as a number; raises ServiceError for anything else."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ServiceError(f"PORT={text} is not a port: choose one from 1 to 65535")


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold `path` while we run; raises ServiceError if another copy holds it.

    The kernel lets go when we die, however that happens.
    """
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip()
            raise ServiceError(
                f"already running on the data in {path.parent} (process {holder}): stop that first"
            ) from None
        file.truncate(0)
        file.write(f"{os.getpid()}\n")
        file.flush()
        yield


def free_addresses(port: int) -> list[str]:
    """Where the web server may listen so that http://localhost answers; raises if the port is taken."""
    addresses = []
    for family, host, name in (
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "[::1]"),
    ):
        try:
            with socket.socket(family) as probe:
                # As gunicorn does: connections of the last run that linger are no obstacle.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServiceError(
                    f"port {port} is in use by another program: make run PORT={port + 1}"
                ) from error
            if error.errno == errno.EACCES:
                raise ServiceError(f"port {port} is not ours to take: make run PORT=8000") from error
            if family == socket.AF_INET:
                raise
            continue  # A machine without IPv6.
        addresses.append(f"{name}:{port}")
    return addresses


def check_disk(var: Path) -> None:
    """Raise ServiceError if the disk is too full to begin."""
    free = shutil.disk_usage(var).free
    if free < NEEDED_BYTES:
        raise ServiceError(
            f"the disk is nearly full: {var} has {free >> 20} MB left and kwippy needs"
            f" {NEEDED_BYTES >> 20} MB"
        )


def environment(
    var: Path, port: int, sockets: Path, memcached: Memcached | None, addresses: list[str]
) -> dict[str, str]:
    """The settings of the local site, as environment variables."""
    return os.environ | {
        # The Procfile's `python` is the virtual environment's.
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")]),
        "PYTHONUNBUFFERED": "1",
        # STOCK=1: the same site and data with all five optimizations off.
        "DJANGO_SETTINGS_MODULE": "kwippy.settings.stock" if os.environ.get("STOCK") else "kwippy.settings",
        "DEBUG": "false",
        "SECRET_KEY_FILE": str(secret_key(var / "secret_key")),
        "SITE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,[::1]",
        "DATABASE_HOST": str(sockets),
        "DATABASE_PORT": "",
        "DATABASE_NAME": DATABASE,
        "DATABASE_USER": ROLE,
        "DATABASE_PASSWORD": "",
        "MEMCACHED_SERVERS": memcached.address if memcached else "",
        "MEDIA_ROOT": str(made(var / "media")),
        "STATIC_ROOT": str(made(var / "static")),
        "MAIL_DIR": str(made(var / "mail")),
        "CONTACT_EMAIL": "operators@localhost",
        "LOG_FORMAT": os.environ.get("LOG_FORMAT", "console"),
        "BIND": ",".join(addresses),
        # Whoever presses Ctrl-C waits for it.
        "WEB_GRACEFUL_TIMEOUT": "2",
    }


def made(directory: Path) -> Path:
    """`directory`, which now exists."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def secret_key(path: Path) -> Path:
    """The file with this site's secret, made on the first start and readable by us alone."""
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(50))
        unfinished.rename(path)
    return path


def spawn(
    module: list[str],
    env: dict[str, str],
    *,
    stdin: int = subprocess.DEVNULL,
    stderr: int | None = None,
) -> subprocess.Popen[bytes]:
    """Run a Python module of the virtual environment with the terminal as its output."""
    return services.spawn(
        [sys.executable, "-m", *module],
        death_signal=signal.SIGTERM,
        stdin=stdin,
        stderr=stderr,
        env=env,
        cwd=ROOT,
    )


def finish(preparation: subprocess.Popen[bytes]) -> None:
    """Tell the preparation that the database answers, and wait until it is done."""
    preparation.communicate()  # Closes its standard input, which is what it waits for.
    if preparation.returncode != 0:
        raise ServiceError("the site could not be prepared; the reason stands above")


def watch(
    port: int,
    honcho: subprocess.Popen[bytes],
    postgres: Postgres,
    memcached: Memcached | None,
    var: Path,
) -> None:
    """Announce the site when it answers, then raise ServiceError as soon as any part ends."""
    announced = False
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        if not postgres.running():
            raise ServiceError(f"PostgreSQL has ended by itself; see {postgres.log}")
        if memcached is not None and not memcached.running():
            say("memcached has ended by itself; starting it again.")
            memcached.start()
        if honcho.poll() is not None:
            raise ServiceError(
                f"the web server has ended by itself (exit code {honcho.returncode}); see above"
            )
        if not announced and answers(port):
            announced = True
            announce(port, var)
        if not announced and time.monotonic() > deadline:
            raise ServiceError(f"the web server did not answer in {ANSWER_SECONDS:.0f} s")
        time.sleep(0.2 if announced else 0.05)


def answers(port: int) -> bool:
    """Whether the site answers a request; which answer is the site's affair."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    try:
        connection.request("GET", "/", headers={"Host": f"localhost:{port}"})
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True


def announce(port: int, var: Path) -> None:
    """Print what a newcomer needs to know."""
    say(
        f"""
    kwippy is up:   http://localhost:{port}
    sign in as:     demo, password happykwipping
    its mail is in: {os.path.relpath(var / "mail", ROOT)}/*.eml
    to stop it:     Ctrl-C (everything stays in {os.path.relpath(var, ROOT)}/)
"""
    )


def wait_for_grandchildren(honcho: subprocess.Popen[bytes]) -> None:
    """Give honcho the moment it needs: asked to stop before it knows its processes, it crashes."""
    deadline = time.monotonic() + 2
    while honcho.poll() is None and time.monotonic() < deadline:
        # Its own process for a command, and the command.
        if len(services.descendants(honcho.pid)) >= 2:
            time.sleep(0.2)
            return
        time.sleep(0.05)

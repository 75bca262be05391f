"""`make run`: the whole site on this machine, with its data in `var/`, until Ctrl-C.

It starts PostgreSQL, memcached, the web server and the worker, watches them, and stops all of them when one
ends. Each ends with this process, even by SIGKILL (`services.die_with_parent`).
"""

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
STOP_SECONDS = 8.0
WEB = ["-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", "kwippy.wsgi"]
WORKER = ["manage.py", "runworker"]


class Stopped(BaseException):
    """A signal ended the run. A BaseException, so that no `except Exception` swallows it."""


def say(text: str) -> None:
    """Print a line. Ignores a closed terminal: we must still stop the servers in order."""
    try:
        print(text, flush=True)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def main() -> int:
    """Run until a signal (0) or a failure (1, after one line with its cause)."""
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
    """Signal handler: begin to stop, and ignore further signals meanwhile."""
    ignore_signals()
    raise Stopped


def ignore_signals() -> None:
    """Ignore SIGINT and the other signals that stop us."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)


def fail(reason: str) -> int:
    """Print the reason as one line; return the exit code."""
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
        preparation = spawn(["-m", "deploy.local.prepare"], env, stdin=subprocess.PIPE)
        cleanup.callback(services.stop, preparation, signal.SIGTERM, 2)
        postgres.start()
        postgres.create_database(DATABASE)
        if memcached is not None:
            cleanup.callback(memcached.stop)
            memcached.start()
        else:
            say("memcached is not installed: pages come from an in-process cache instead.")
        finish(preparation)
        site = {"the web server": spawn(WEB, env), "the worker": spawn(WORKER, env)}
        cleanup.callback(stop_all, list(site.values()))
        watch(port, site, postgres, memcached, var)


def parse_port(text: str) -> int:
    """The port as a number; raises ServiceError for anything else."""
    if text.isascii() and text.isdigit() and 0 < int(text) < 65536:
        return int(text)
    raise ServiceError(f"PORT={text} is not a port: choose one from 1 to 65535")


@contextlib.contextmanager
def lock(path: Path) -> Iterator[None]:
    """Hold a lock on `path` while we run; raises ServiceError if another process holds it.

    The kernel releases it when we end, even by SIGKILL.
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
    """The addresses to listen on so that http://localhost answers; raises if the port is taken."""
    addresses = []
    for family, host, name in (
        (socket.AF_INET, "127.0.0.1", "127.0.0.1"),
        (socket.AF_INET6, "::1", "[::1]"),
    ):
        try:
            with socket.socket(family) as probe:
                # As gunicorn does: lingering connections of the last run do not block the port.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind((host, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ServiceError(
                    f"port {port} is in use by another program: make run PORT={port + 1}"
                ) from error
            if error.errno == errno.EACCES:
                raise ServiceError(f"port {port} needs root: make run PORT=8000") from error
            if family == socket.AF_INET:
                raise
            continue  # This machine has no IPv6.
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
        "PYTHONUNBUFFERED": "1",
        "MALLOC_ARENA_MAX": "1",  # as in the image
        # STOCK=1: the same site and data with all five optimizations off. WITHOUT: some of them.
        "DJANGO_SETTINGS_MODULE": "kwippy.settings.stock" if os.environ.get("STOCK") else "kwippy.settings",
        "WITHOUT": os.environ.get("WITHOUT", ""),
        "DEBUG": "false",
        "XRAY": os.environ.get("XRAY") or "on",
        "SECRET_KEY_FILE": str(secret_key(var / "secret_key")),
        "SITE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "127.0.0.1,[::1]",
        "DATABASE_HOST": str(sockets),
        "DATABASE_PORT": "",
        "DATABASE_NAME": DATABASE,
        "DATABASE_USER": ROLE,
        "DATABASE_PASSWORD": "",
        "MEMCACHED_SERVERS": memcached.address if memcached else "",
        "MEDIA_ROOT": str(existing(var / "media")),
        "ARCHIVE_ROOT": str(existing(var / "archives")),
        "STATIC_ROOT": str(existing(var / "static")),
        "MAIL_DIR": str(existing(var / "mail")),
        "CONTACT_EMAIL": "operators@localhost",
        "LOG_FORMAT": os.environ.get("LOG_FORMAT", "console"),
        "BIND": ",".join(addresses),
        # Short: a person waits after Ctrl-C.
        "WEB_GRACEFUL_TIMEOUT": "2",
    }


def existing(directory: Path) -> Path:
    """`directory`, created if it is absent."""
    directory.mkdir(parents=True, exist_ok=True)
    return directory


def secret_key(path: Path) -> Path:
    """The file with this site's SECRET_KEY, created on the first start, readable by its owner only."""
    if not path.exists():
        unfinished = path.with_name(f"{path.name}.{os.getpid()}")
        unfinished.touch(mode=0o600)
        unfinished.write_text(secrets.token_urlsafe(50))
        unfinished.rename(path)
    return path


def spawn(
    words: list[str], env: dict[str, str], *, stdin: int = subprocess.DEVNULL
) -> subprocess.Popen[bytes]:
    """Run Python with these arguments and our standard output; it ends when we do, even by SIGKILL."""
    return services.spawn(
        [sys.executable, *words],
        death_signal=signal.SIGTERM,
        stdin=stdin,
        # One stream: after `make run | head` has ended, errors do not appear on the terminal.
        stderr=subprocess.STDOUT,
        env=env,
        cwd=ROOT,
    )


def stop_all(processes: list[subprocess.Popen[bytes]]) -> None:
    """Stop these together: each gets SIGTERM, and SIGKILL after STOP_SECONDS."""
    for process in processes:
        process.terminate()
    deadline = time.monotonic() + STOP_SECONDS
    for process in processes:
        try:
            process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def finish(preparation: subprocess.Popen[bytes]) -> None:
    """Signal the preparation that the database is up, and wait until it is done."""
    preparation.communicate()  # Closes its standard input: the signal.
    if preparation.returncode != 0:
        raise ServiceError("the site could not be prepared; see above")


def watch(
    port: int,
    site: dict[str, subprocess.Popen[bytes]],
    postgres: Postgres,
    memcached: Memcached | None,
    var: Path,
) -> None:
    """Announce the site when it answers; raise ServiceError as soon as a process ends."""
    announced = False
    deadline = time.monotonic() + ANSWER_SECONDS
    while True:
        if not postgres.running():
            raise ServiceError(f"PostgreSQL has ended; see {postgres.log}")
        if memcached is not None and not memcached.running():
            say("memcached has ended; starting it again.")
            memcached.start()
        for name, process in site.items():
            if process.poll() is not None:
                raise ServiceError(f"{name} has ended (exit code {process.returncode}); see above")
        if not announced and answers(port):
            announced = True
            announce(port, var)
        if not announced and time.monotonic() > deadline:
            raise ServiceError(f"the web server did not answer in {ANSWER_SECONDS:.0f} s")
        time.sleep(0.2 if announced else 0.05)


def answers(port: int) -> bool:
    """Whether the site answers a request, with any status."""
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
    """Print the address, what is switched off, the demo login, and where mail and data are."""
    off = "all optimizations" if os.environ.get("STOCK") else os.environ.get("WITHOUT")
    switched_off = f"    switched off:   {off}\n" if off else ""
    say(
        f"""
    kwippy is up:   http://localhost:{port}
{switched_off}\
    sign in as:     demo, password happykwipping
    its mail is in: {os.path.relpath(var / "mail", ROOT)}/*.eml
    to stop it:     Ctrl-C (everything stays in {os.path.relpath(var, ROOT)}/)
"""
    )

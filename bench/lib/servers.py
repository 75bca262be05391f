"""The servers that are measured, each for as long as its context lasts: gunicorn and memcached.

`production` is the site as it is deployed: the configuration of `deploy/gunicorn.conf.py`, the log at INFO as
JSON, metrics in files, hashed static files. `gunicorn` is a plain one, for rivals with settings of their own.
"""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from http.client import HTTPException
from pathlib import Path
from subprocess import Popen

from bench.lib.database import ROOT
from bench.lib.http import fetch
from bench.lib.processes import pin, worker_core
from deploy.local import services
from deploy.local.edge import free_port
from deploy.local.memcached import Memcached

START_SECONDS = 60.0


@dataclass(frozen=True)
class Gunicorn:
    port: int
    pid: int

    @property
    def worker(self) -> int:
        """The process id of the one worker."""
        [worker] = services.descendants(self.pid)
        return worker


@contextmanager
def gunicorn(
    wsgi: str,
    *,
    ready: str,
    headers: Mapping[str, str] | None = None,
    workers: int = 1,
    threads: int = 4,
    python: str = sys.executable,
    **variables: str,
) -> Iterator[Gunicorn]:
    """Runs a gunicorn with further environment ``variables``; yields when the path ``ready`` is answered."""
    port = free_port()
    command = [python, "-m", "gunicorn", wsgi, "--bind", f"127.0.0.1:{port}", "--worker-class", "gthread"]
    command += ["--workers", str(workers), "--threads", str(threads), "--keep-alive", "75"]
    command += ["--log-level", "error", "--no-control-socket"]
    with _running(command, ROOT, variables) as (process, log):
        _wait_for(process, port, ready, headers or {}, log)
        yield Gunicorn(port, process.pid)


@contextmanager
def production(
    wsgi: str = "kwippy.wsgi",
    *,
    ready: str = "/livez",
    headers: Mapping[str, str] | None = None,
    root: Path = ROOT,
    python: str = sys.executable,
    variables: Mapping[str, str] | None = None,
) -> Iterator[Gunicorn]:
    """Runs one worker as it is deployed, pinned to its core; ``root`` is the checkout that it serves."""
    port = free_port()
    command = [python, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py", wsgi]
    settings = {"BIND": f"127.0.0.1:{port}", "WEB_WORKERS": "1", "LOG_LEVEL": "INFO", "LOG_FORMAT": "json"}
    # As in the image, except that the worker is not replaced: its memory is measured after more pages than it
    # serves in production.
    settings |= {"WEB_MAX_REQUESTS": "0", "MALLOC_ARENA_MAX": "1"} | static_files(root, python)
    with _running(command, root, settings | dict(variables or {})) as (process, log):
        _wait_for(process, port, ready, headers or {}, log)
        pin(process.pid, worker_core())
        yield Gunicorn(port, process.pid)


@contextmanager
def bare(page: Path) -> Iterator[Gunicorn]:
    """Runs `bare_wsgi` as `production` runs the site; the metrics and the log of that need Django."""
    # 8 is the default of WEB_THREADS.
    with gunicorn("bench.lib.bare_wsgi", ready="/", threads=8, BENCH_PAGE=str(page)) as site:
        pin(site.pid, worker_core())
        yield site


@cache
def static_files(root: Path, python: str) -> dict[str, str]:
    """Collects the static files of a checkout, as the image has them; the variables that name them."""
    variables = {"STATIC_ROOT": str(root / "var" / "bench" / "static"), "STATIC_MANIFEST": "1"}
    words = [python, "manage.py", "collectstatic", "--noinput", "--verbosity", "0"]
    subprocess.run(words, cwd=root, env=os.environ | variables, stdout=sys.stderr, check=True)
    return variables


@contextmanager
def _running(
    command: Sequence[str], root: Path, variables: Mapping[str, str]
) -> Iterator[tuple["Popen[bytes]", Path]]:
    """A process in the checkout ``root``, and the file of its output."""
    with tempfile.NamedTemporaryFile() as log:
        process = services.spawn(
            command,
            death_signal=signal.SIGTERM,
            stdout=log.file,
            stderr=log.fileno(),
            env=os.environ | variables,
            cwd=root,
        )
        try:
            yield process, Path(log.name)
        finally:
            services.stop(process)


def _wait_for(process: "Popen[bytes]", port: int, path: str, headers: Mapping[str, str], log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        try:
            status = fetch(port, path, headers).status
        except (OSError, HTTPException):
            time.sleep(0.1)
            continue
        if status == 200:
            return
        raise SystemExit(f"bench: {path} answers {status}\n{log.read_text()}")
    raise SystemExit(f"bench: gunicorn does not answer {path}\n{log.read_text()}")


@contextmanager
def memcached_server(*, megabytes: int = 64) -> Iterator[Memcached]:
    """Runs a memcached on a Unix socket."""
    with tempfile.TemporaryDirectory() as folder:
        server = Memcached(services.socket_directory(Path(folder) / "run"), megabytes=megabytes)
        server.start()
        try:
            yield server
        finally:
            server.stop()


@contextmanager
def memcached(*, megabytes: int = 64) -> Iterator[str]:
    """Runs a memcached on a Unix socket; yields its address."""
    with memcached_server(megabytes=megabytes) as server:
        yield server.address


@contextmanager
def memcached_on_tcp() -> Iterator[str]:
    """Runs a memcached on a TCP port of this machine; yields its address."""
    port = free_port()
    command = [Memcached.program() or "", "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
    process = services.start(command, death_signal=signal.SIGKILL)
    try:
        wait_for_port(port)
        yield f"127.0.0.1:{port}"
    finally:
        services.stop(process, signal.SIGKILL)


def wait_for_port(port: int) -> None:
    """Returns when a server on this machine listens on the port; raises OSError where none does in time."""
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)

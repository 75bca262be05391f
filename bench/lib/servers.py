"""The servers that are measured, each for as long as its context lasts: gunicorn and memcached."""

import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from subprocess import Popen

from bench.lib.database import ROOT
from bench.lib.http import fetch
from deploy.local import services
from deploy.local.edge import free_port
from deploy.local.memcached import Memcached

START_SECONDS = 60.0


@dataclass(frozen=True)
class Gunicorn:
    port: int
    pid: int


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
    with tempfile.NamedTemporaryFile() as log:
        process = services.spawn(
            command,
            death_signal=signal.SIGTERM,
            stdout=log.file,
            stderr=log.fileno(),
            env=os.environ | variables,
            cwd=ROOT,
        )
        try:
            _wait_for(process, port, ready, headers or {}, Path(log.name))
            yield Gunicorn(port, process.pid)
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
def memcached(*, megabytes: int = 64) -> Iterator[str]:
    """Runs a memcached on a Unix socket; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        server = Memcached(services.socket_directory(Path(folder) / "run"), megabytes=megabytes)
        server.start()
        try:
            yield server.address
        finally:
            server.stop()


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

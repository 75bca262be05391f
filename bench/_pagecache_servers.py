"""The servers that pages are measured on, and wrk, which asks them."""

import gzip
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CLIENTS = 8
# The same for each: one process of four threads.
GUNICORN = ("--worker-class", "gthread", "--workers", "1", "--threads", "4", "--keep-alive", "75")


@contextmanager
def gunicorn(
    wsgi: str, *, ready: str, workers: int = 1, settings: str = "kwippy.settings", **variables: str
) -> Iterator[int]:
    """Runs a gunicorn with more environment ``variables``; yields its port when ``ready`` is answered."""
    port = free_port()
    environment = os.environ | variables | {"DJANGO_SETTINGS_MODULE": settings}
    command = [sys.executable, "-m", "gunicorn", wsgi, "-b", f"127.0.0.1:{port}", *GUNICORN]
    command += ["--workers", str(workers), "--no-control-socket"]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    try:
        wait_for(port, ready)
        yield port
    finally:
        server.terminate()
        server.wait()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for(port: int, path: str) -> None:
    deadline = time.monotonic() + 30
    while True:
        try:
            fetched(port, path)
            return
        except OSError:
            if time.monotonic() > deadline:
                raise SystemExit(f"nothing answers {path}") from None
            time.sleep(0.1)


def fetched(port: int, path: str) -> tuple[list[tuple[str, str]], bytes]:
    """Headers and body, compressed, as wrk gets them. Raises OSError for anything but a 200."""
    request = urllib.request.Request(f"http://localhost:{port}{path}", headers={"Accept-Encoding": "gzip"})
    with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310 - our own address
        return answer.headers.items(), answer.read()


def wrk(port: int, path: str, *, seconds: float, script: tuple[str, ...] = ()) -> str:
    """What wrk says after so many seconds of a few clients at once."""
    program = shutil.which("wrk")
    if program is None:
        raise SystemExit("wrk is not installed: apt-get install wrk")
    command = [program, "-t1", f"-c{CLIENTS}", f"-d{seconds:.0f}s", "-H", "Accept-Encoding: gzip"]
    if script:
        command += ["-s", script[0]]
    command += [f"http://localhost:{port}{path}", *script[1:]]
    told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    if not script and ("Non-2xx" in told or "Socket errors" in told):
        raise SystemExit(told)
    return told


def rate(port: int, path: str, *, seconds: float) -> float:
    """Requests a second."""
    found = re.search(r"Requests/sec:\s+([\d.]+)", wrk(port, path, seconds=seconds))
    assert found  # noqa: S101 - wrk always says it
    return float(found[1])


def put_page(folder: Path, body: bytes) -> None:
    """The page, compressed as it is sent, as a file; nginx wants its plain twin beside it."""
    (folder / "page.html").write_bytes(gzip.decompress(body))
    (folder / "page.html.gz").write_bytes(body)

"""A member's network page, over HTTP: this site beside the same site on Django's own parts."""

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from pathlib import Path

from bench import timelines
from bench.database import postgres
from bench.measure import Figure, ratio
from deploy.local import services
from deploy.local.memcached import Memcached

ROUNDS = 7
SECONDS = 1.5
CLIENTS = 4
VARIANTS = {
    "ours": ("kwippy.settings", "kwippy.wsgi"),
    "stock": ("bench._stock_settings", "bench._stock_wsgi"),
}
_SESSION = """
import django
django.setup()
from django.conf import settings
from django.contrib.auth import BACKEND_SESSION_KEY, HASH_SESSION_KEY, SESSION_KEY
from importlib import import_module
from apps.accounts.models import User
user = User.objects.get(username="bench_active_100")
session = import_module(settings.SESSION_ENGINE).SessionStore()
session[SESSION_KEY] = str(user.pk)
session[BACKEND_SESSION_KEY] = settings.AUTHENTICATION_BACKENDS[0]
session[HASH_SESSION_KEY] = user.get_session_auth_hash()
session.save()
print(session.session_key)
"""


def measure(memcached: str) -> dict[str, float]:
    """Requests a second of both, in turns, and what a page of ours cost. Needs the populated database."""
    figures = {name: Figure() for name in VARIANTS}
    with ExitStack() as stack:
        pages = {
            name: stack.enter_context(served(settings, wsgi, memcached))
            for name, (settings, wsgi) in VARIANTS.items()
        }
        for port, request in pages.values():
            load(port, request, seconds=SECONDS)  # fills caches, prepares statements
        for turn in range(ROUNDS):
            for name in list(VARIANTS)[:: 1 if turn % 2 else -1]:
                figures[name].rounds.append(1000 / load(*pages[name], seconds=SECONDS))
        told = answer(*pages["ours"]).partition(b"\r\n\r\n")[0].decode()
    counted = {what: int(number) for number, what in re.findall(r"(\d+) (queries|round trips)", told)}
    return {
        "network_rps_vs_stock": round(ratio(figures["stock"], figures["ours"]), 2),
        "sql_per_network_page": counted["queries"],
        "round_trips_per_network_page": counted["round trips"],
        "network_requests_a_second": round(1000 / figures["ours"].median, 1),
        "network_requests_a_second_stock": round(1000 / figures["stock"].median, 1),
    }


@contextmanager
def served(settings: str, wsgi: str, memcached: str) -> Iterator[tuple[int, bytes]]:
    """Runs a gunicorn of one worker; yields its port and the request of a signed-in member."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "DJANGO_SETTINGS_MODULE": settings,
        "MEMCACHED_SERVERS": memcached,
        "STATIC_MANIFEST": "0",
    }
    key = subprocess.run(
        [sys.executable, "-c", _SESSION], env=environment, capture_output=True, text=True, check=True
    ).stdout.split()[-1]
    command = [
        sys.executable,
        "-m",
        "gunicorn",
        wsgi,
        "-b",
        f"127.0.0.1:{port}",
        "--threads",
        "4",
        "--no-control-socket",
    ]
    server = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    # What a member's browser sends: it got the second cookie with the page it signed in on.
    cookies = f"sessionid={key}; csrftoken={'x' * 32}"
    request = f"GET / HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n\r\n".encode()
    try:
        deadline = time.monotonic() + 20
        while True:
            try:
                if b"<article" in answer(port, request):
                    break
            except OSError:
                pass
            if time.monotonic() > deadline:
                raise SystemExit(f"{wsgi} does not show the network")
            time.sleep(0.2)
        yield port, request
    finally:
        server.terminate()
        server.wait()


def load(port: int, request: bytes, *, seconds: float) -> float:
    """Requests a second that some clients at once are answered."""
    done: list[int] = []
    end = time.perf_counter() + seconds

    def client() -> None:
        count = 0
        with socket.create_connection(("127.0.0.1", port)) as connection:
            while time.perf_counter() < end:
                exchange(connection, request)
                count += 1
        done.append(count)

    threads = [threading.Thread(target=client) for _ in range(CLIENTS)]
    started = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(done) / (time.perf_counter() - started)


def answer(port: int, request: bytes) -> bytes:
    with socket.create_connection(("127.0.0.1", port), timeout=10) as connection:
        return exchange(connection, request)


def exchange(connection: socket.socket, request: bytes) -> bytes:
    """One request and its whole answer, over a connection that stays."""
    connection.sendall(request)
    received = b""
    while (end := received.find(b"\r\n\r\n")) < 0:
        received += _more(connection)
    length = re.search(rb"content-length: (\d+)", received[:end].lower())
    if length is None:
        raise SystemExit("an answer without a length")
    while len(received) < end + 4 + int(length[1]):
        received += _more(connection)
    return received


def _more(connection: socket.socket) -> bytes:
    chunk = connection.recv(65536)
    if not chunk:
        raise OSError("the server closed the connection")
    return chunk


def main() -> None:
    """Prints the figures as one line of JSON."""
    people, kwips = timelines.PEOPLE, timelines.KWIPS["small"]
    with postgres(timelines.database(kwips)), tempfile.TemporaryDirectory() as folder:
        import django

        django.setup()
        from bench._timelines_data import fill

        with redirect_stdout(sys.stderr):
            fill(
                people=people,
                kwips=kwips,
                followees=timelines.FOLLOWEES,
                dormant=timelines.DORMANT,
                seed=timelines.SEED,
            )
        memcached = Memcached(services.socket_directory(Path(folder) / "run"))
        memcached.start()
        try:
            print(json.dumps(measure(memcached.address)))
        finally:
            memcached.stop()


if __name__ == "__main__":
    main()

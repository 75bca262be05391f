"""The look-aside cache: one call to memcached as a request makes it, here and in stock Django.

Stock is `PyMemcacheCache` as Django sets it up: a pickle, and the connection closed when the request ends.
Ours reads under a lease, checks the signature, and keeps its connection. Both in one process, in turns, over
TCP (where Django's documentation has its memcached) and over a Unix socket, where connecting is cheaper. A
bare round trip, a few bytes there and back without any Python around them, is the floor for both.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench import report
from bench.measure import Call, Figure, interleaved, ratio
from deploy.local import services
from deploy.local.memcached import Memcached

USER = {
    "id": 17,
    "username": "ann",
    "name": "Ann Example",
    "email": "ann@example.org",
    "password": "argon2$argon2id$v=19$m=102400,t=2,p=8$" + "x" * 60,
    "avatar": "0123456789abcdef.webp",
    "version": 3,
    "is_active": True,
    "date_joined": "2026-11-22T12:00:00+00:00",
    "following_count": 100,
}
CARD = "<article class='kwip h-entry'><p>tea, as every day</p></article>" * 30
CARDS = [f"card:{number}" for number in range(20)]


def run(*, size: str) -> None:
    """Measures, prints the ratios and writes the result."""
    rounds = 15 if size == "small" else 61
    with memcached() as (tcp, unix):
        over = {"TCP": calls(tcp, rounds=rounds), "Unix socket": calls(unix, rounds=rounds)}
    ratios = {
        "memcached_call_vs_stock": compared(over["TCP"], "user"),
        "memcached_call_vs_stock_unix": compared(over["Unix socket"], "user"),
        "memcached_cards_vs_stock": compared(over["TCP"], "20 cards"),
        "round_trip_vs_stock": round(ratio(over["TCP"]["stock: user"], over["TCP"]["a bare round trip"]), 2),
    }
    ratios |= network_page()
    details: dict[str, Any] = {
        "milliseconds_a_call": {
            f"{name}, {transport}": figure.as_json()
            for transport, figures in over.items()
            for name, figure in figures.items()
        }
    }
    path = report.write("lookaside", size=size, ratios=ratios, details=details)
    for transport, figures in over.items():
        for name, figure in figures.items():
            print(f"{name + ', ' + transport:30} {figure.median * 1000:8.1f} µs")
    for name, value in ratios.items():
        print(f"{name:30} {value:8}")
    print(f"\n{path}")


def network_page() -> dict[str, float]:
    """What a member's whole page costs, and how many a second are served beside stock Django."""
    done = subprocess.run([sys.executable, "-m", "bench._network_page"], stdout=subprocess.PIPE, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def compared(figures: dict[str, Figure], what: str) -> float:
    """How many times ours stock took."""
    return round(ratio(figures[f"stock: {what}"], figures[f"ours: {what}"]), 2)


@contextmanager
def memcached() -> Iterator[tuple[str, str]]:
    """Runs two memcached of the benchmark's own; yields their addresses, over TCP and a Unix socket."""
    with tempfile.TemporaryDirectory() as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        local = Memcached(services.socket_directory(Path(folder) / "run"))
        local.start()
        command = [Memcached.program() or "", "-l", "127.0.0.1", "-p", str(port), "-U", "0"]
        remote = services.start(command, death_signal=signal.SIGKILL)
        try:
            while not answers(port):
                time.sleep(0.05)
            yield f"127.0.0.1:{port}", local.address
        finally:
            services.stop(remote, signal.SIGKILL)
            local.stop()


def answers(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def calls(address: str, *, rounds: int) -> dict[str, Figure]:
    """What a call takes, connection and all, as often as a request makes it."""
    os.environ.setdefault("DEBUG", "true")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")
    import django
    from django.core.cache.backends.base import BaseCache
    from django.core.cache.backends.memcached import PyMemcacheCache

    from apps.lookaside.backends import MemcachedLookaside
    from apps.lookaside.client import MetaClient

    django.setup()
    stock, ours = PyMemcacheCache(address, {}), MemcachedLookaside(address, {})
    cards = dict.fromkeys(CARDS, CARD)
    stock.set_many(cards | {"user": USER})

    def request(call: Call, cache: BaseCache) -> Call:
        def with_its_end() -> None:
            call()
            # What Django does with every cache when a request has ended.
            cache.close()

        return with_its_end

    rivals = {
        "stock: user": request(lambda: stock.get("user"), stock),
        "ours: user": request(lambda: ours.get_or_compute("user", lambda: USER), ours),
        "stock: 20 cards": request(lambda: stock.get_many(CARDS), stock),
        "ours: 20 cards": request(lambda: ours.get_many_or_compute(CARDS, lambda _: cards), ours),
    }
    client = MetaClient(address, timeout=1)
    wire: Any = client.sock
    with wire:
        wire.settimeout(1)

        def round_trip() -> None:
            wire.sendall(b"mg user v\r\n")
            wire.recv(65536)

        rivals["a bare round trip"] = round_trip
        return interleaved(rivals, rounds=rounds, seconds_a_turn=0.05, most_calls=300)

"""The look-aside cache: one call to memcached as a request makes it, here and in stock Django.

Stock is `PyMemcacheCache` as Django sets it up: a pickle, and the connection closed when the request ends.
Ours reads under a lease, checks the signature, and keeps its connection. Both in one process, in turns.
"""

import os
import tempfile
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
    with memcached() as address:
        figures = calls(address, rounds=15 if size == "small" else 61)
    ratios = {
        "memcached_call_vs_stock": round(ratio(figures["stock: user"], figures["ours: user"]), 2),
        "memcached_cards_vs_stock": round(ratio(figures["stock: 20 cards"], figures["ours: 20 cards"]), 2),
    }
    details: dict[str, Any] = {
        "milliseconds_a_call": {name: figure.as_json() for name, figure in figures.items()}
    }
    path = report.write("lookaside", size=size, ratios=ratios, details=details)
    for name, figure in figures.items():
        print(f"{name:20} {figure.median * 1000:8.1f} µs")
    for name, value in ratios.items():
        print(f"{name:28} {value}")
    print(f"\n{path}")


@contextmanager
def memcached() -> Iterator[str]:
    """Runs a memcached of the benchmark's own; yields its address."""
    with tempfile.TemporaryDirectory() as folder:
        server = Memcached(services.socket_directory(Path(folder) / "run"))
        server.start()
        try:
            yield server.address
        finally:
            server.stop()


def calls(address: str, *, rounds: int) -> dict[str, Figure]:
    """What a call takes, connection and all, as often as a request makes it."""
    os.environ.setdefault("DEBUG", "true")
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "kwippy.settings")
    import django
    from django.core.cache.backends.base import BaseCache
    from django.core.cache.backends.memcached import PyMemcacheCache

    from apps.lookaside.backends import MemcachedLookaside

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
    return interleaved(rivals, rounds=rounds, seconds_a_turn=0.05, most_calls=300)

"""One call to the cache, connection and all, as often as a request makes it."""

import os
import socket

from bench.lib.measure import Call, Timing, interleaved

USER = {
    "id": 17,
    "username": "ann",
    "name": "Ann Example",
    "email": "ann@example.org",
    "password": "argon2$argon2id$v=19$m=102400,t=2,p=8$" + "x" * 60,
    "picture": "0123456789abcdef.webp",
    "version": 3,
    "is_active": True,
    "date_joined": "2026-11-22T12:00:00+00:00",
    "following_count": 100,
}
CARD = "<article class='kwip h-entry'><p>tea, as every day</p></article>" * 30
CARDS = [f"card:{number}" for number in range(20)]


def calls(address: str, *, rounds: int) -> dict[str, Timing]:
    """Times a user and twenty cards from both caches, and a bare round trip."""
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
            # Django closes every cache at the end of a request.
            cache.close()

        return with_its_end

    rivals = {
        "Django: user": request(lambda: stock.get("user"), stock),
        "ours: user": request(lambda: ours.get_or_compute("user", lambda: USER), ours),
        "Django: 20 cards": request(lambda: stock.get_many(CARDS), stock),
        "ours: 20 cards": request(lambda: ours.get_many_or_compute(CARDS, lambda _: cards), ours),
    }
    with connected(address) as wire:

        def round_trip() -> None:
            wire.sendall(b"mg user v\r\n")
            wire.recv(65536)

        rivals["a bare round trip"] = round_trip
        return interleaved(rivals, rounds=rounds, seconds_a_turn=0.05, most_calls=300)


def connected(address: str) -> socket.socket:
    """A plain socket to ``unix:/path`` or ``host:port``."""
    if address.startswith("unix:"):
        wire = socket.socket(socket.AF_UNIX)
        wire.settimeout(1)
        wire.connect(address.removeprefix("unix:"))
        return wire
    host, _, port = address.rpartition(":")
    wire = socket.create_connection((host, int(port)), 1)
    wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return wire

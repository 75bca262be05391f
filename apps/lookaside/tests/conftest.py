"""Servers of a test's own, and caches over them."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from apps.lookaside.backends import LocalLookaside, Lookaside, MemcachedLookaside
from deploy.local import services
from deploy.local.memcached import Memcached


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Memcached]]:
    """Starts a memcached that the test may do anything to."""
    if Memcached.program() is None:
        pytest.skip("memcached is not installed")
    sockets = services.socket_directory(tmp_path / "run")
    servers: list[Memcached] = []

    def start(*, megabytes: int = 64) -> Memcached:
        servers.append(Memcached(sockets, name=f"m{len(servers)}", megabytes=megabytes))
        servers[-1].start()
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture
def server(start_server: Callable[..., Memcached]) -> Memcached:
    return start_server()


def cache_at(*addresses: str, dead_timeout: float = 0.2) -> Lookaside:
    """A cache in memcached that looks soon whether a server is back."""
    return MemcachedLookaside(list(addresses), {"OPTIONS": {"dead_timeout": dead_timeout}})


@pytest.fixture(params=["memcached", "this process"])
def cache(request: pytest.FixtureRequest) -> Lookaside:
    """An empty cache of either kind."""
    if request.param == "this process":
        found: Lookaside = LocalLookaside(request.node.name, {})
    else:
        found = MemcachedLookaside(request.getfixturevalue("memcached"), {"OPTIONS": {"timeout": 5}})
    found.clear()
    return found

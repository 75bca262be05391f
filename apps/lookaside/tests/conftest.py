"""Servers for one test, and caches over them."""

import os
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from apps.lookaside.backends import LocalLookaside, Lookaside, MemcachedLookaside
from deploy.local import services
from deploy.local.memcached import Memcached


@pytest.fixture
def start_server(tmp_path: Path) -> Iterator[Callable[..., Memcached]]:
    """Starts a memcached that only this test uses."""
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


def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        time.sleep(0.01)
    raise AssertionError("the condition did not hold within 30 seconds")


@contextmanager
def stopped_process(pid: int) -> Iterator[None]:
    """The server does not reply, and keeps its connections and entries."""
    os.kill(pid, signal.SIGSTOP)
    threads = Path(f"/proc/{pid}/task")
    until(lambda: all(" T " in (thread / "stat").read_text() for thread in threads.iterdir()))
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def cache_at(*addresses: str, dead_timeout: float = 0.2, timeout: float = 1) -> Lookaside:
    """A cache that soon checks whether a server is back, and tolerates a slow one on a busy machine."""
    return MemcachedLookaside(
        list(addresses), {"OPTIONS": {"dead_timeout": dead_timeout, "timeout": timeout}}
    )


@pytest.fixture
def in_memcached(memcached: str) -> Lookaside:
    """A cache in this process's memcached."""
    return cache_at(memcached, timeout=5)


@pytest.fixture(params=["memcached", "this process"])
def cache(request: pytest.FixtureRequest) -> Lookaside:
    """An empty cache of either kind."""
    if request.param == "this process":
        found: Lookaside = LocalLookaside(request.node.name, {})
    else:
        found = request.getfixturevalue("in_memcached")
    found.clear()
    return found

"""Faults of a memcached, caused for real: killed, stopped, restarted, slow, malformed, full."""

import itertools
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, suppress
from typing import Any

import pytest

from apps import lookaside
from apps.lookaside import stats
from apps.lookaside.backends import Lookaside
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.server import Options, Server
from apps.lookaside.stores import Fill
from apps.lookaside.tests.conftest import cache_at, stopped_process, until
from apps.lookaside.values import Entry
from deploy.local.memcached import Memcached
from tests.support.concurrency import at_once


def stopped(server: Memcached) -> AbstractContextManager[None]:
    assert server._process
    return stopped_process(server._process.pid)


def works(cache: Lookaside, key: str) -> bool:
    """Whether the cache stores a value."""
    cache.get_or_compute(key, lambda: 1)
    with stats.collected() as counted:
        cache.get_or_compute(key, lambda: 1)
    return counted.hits == 1


def test_a_killed_server_costs_one_attempt_and_is_used_again_when_it_is_back(server: Memcached) -> None:
    cache = cache_at(server.address, dead_timeout=1000)
    assert works(cache, "a")
    server.stop()
    with stats.collected() as counted:
        assert [cache.get_or_compute("a", lambda: "computed") for _ in range(100)] == ["computed"] * 100
    assert counted.round_trips <= 1
    checking = cache_at(server.address)
    assert not works(checking, "a")
    server.start()
    until(lambda: works(checking, "a"))


def test_a_restarted_server_is_used_at_once(server: Memcached) -> None:
    cache = cache_at(server.address, dead_timeout=1000)
    assert works(cache, "a")
    server.stop()
    server.start()
    assert cache.get_or_compute("a", lambda: "new") == "new"
    assert works(cache, "b")
    assert cache.invalidate(["a"]) == []


def test_a_lease_granted_before_a_restart_fills_nothing(server: Memcached) -> None:
    store = MemcachedStore([server.address], Options())
    lease = store.fetch([b"k"])[b"k"].lease
    server.stop()
    server.start()
    [again] = at_once([lambda: store.fetch([b"k"])[b"k"].lease])
    assert lease
    assert again
    # The restarted server counts from 1 again: by its number alone the old lease would hold.
    assert lease.unique == again.unique
    store.fill([Fill(lease, Entry(2, b"from before the write"), 60)])
    assert store.fetch([b"k"])[b"k"].entry is None


def test_a_flush_voids_leases(server: Memcached) -> None:
    cache = cache_at(server.address)

    def compute() -> str:
        cache.clear()
        return "old"

    assert cache.get_or_compute("a", compute) == "old"
    assert cache.get_or_compute("a", lambda: "new") == "new"


def test_one_thread_waits_for_a_silent_server_and_the_others_skip_it(server: Memcached) -> None:
    cache = cache_at(server.address, dead_timeout=1000)
    assert works(cache, "a")
    with stopped(server):
        with stats.collected() as first:
            assert cache.get_or_compute("a", lambda: "computed") == "computed"

        def read() -> int:
            with stats.collected() as counted:
                assert cache.get_or_compute("a", lambda: "computed") == "computed"
            return counted.round_trips

        assert at_once([read] * 64) == [0] * 64
    assert (first.round_trips, first.failures) == (1, 1)


@pytest.mark.parametrize("accident", ["stopped", "killed", "restarted"])
def test_a_server_that_fails_during_a_computation_loses_that_value_only(
    server: Memcached, accident: str
) -> None:
    cache = cache_at(server.address)
    with ExitStack() as stack:

        def compute() -> str:
            if accident == "stopped":
                stack.enter_context(stopped(server))
            else:
                server.stop()
            if accident == "restarted":
                server.start()
            return "computed"

        assert cache.get_many_or_compute(["a", "b"], lambda keys: dict.fromkeys(keys, compute())) == {
            "a": "computed",
            "b": "computed",
        }
        with pytest.raises(ZeroDivisionError):
            cache.get_or_compute("c", lambda: 1 // 0)
    if accident == "killed":
        server.start()
    # Leases that the server has granted expire after 3 seconds.
    until(lambda: all(works(cache, key) for key in ("a", "b", "c")))


def test_a_server_that_trickles_bytes_runs_into_the_deadline(caplog: pytest.LogCaptureFixture) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def trickle() -> None:
            with suppress(OSError), listening.accept()[0] as connection:
                for _ in range(100):
                    connection.sendall(b"V")
                    time.sleep(0.02)

        threading.Thread(target=trickle, daemon=True).start()
        cache = cache_at(f"127.0.0.1:{listening.getsockname()[1]}", timeout=0.2)
        assert cache.get_or_compute("a", lambda: 1) == 1
    assert "too slow" in caplog.text


def test_pending_deletes_are_replayed_before_the_next_read(server: Memcached) -> None:
    cache = cache_at(server.address)
    keys = [f"key {number}" for number in range(250)]
    cache.get_many_or_compute(keys, lambda keys: dict.fromkeys(keys, "old"))
    with stopped(server):
        assert cache.invalidate(keys[:150]) == keys[:150]
        assert cache.invalidate(keys[150:]) == keys[150:]

    def read() -> bool:
        with stats.collected() as counted:
            found = cache.get_many_or_compute(keys, lambda keys: dict.fromkeys(keys, "new"))
        assert set(found.values()) == {"new"}
        return counted.hits == len(keys)

    until(read)


def test_a_delete_asks_a_server_that_refused_whether_it_is_back(server: Memcached) -> None:
    """Others read from it at once: they may have filled it with what this process is to delete."""
    cache, other = cache_at(server.address, dead_timeout=1000), cache_at(server.address)
    assert works(cache, "a")
    server.stop()
    assert cache.invalidate(["b"]) == ["b"]
    assert cache.get_or_compute("a", lambda: "computed") == "computed"
    server.start()
    until(lambda: works(other, "a"))
    assert cache.invalidate(["a"]) == []
    assert other.get_or_compute("a", lambda: "new") == "new"


def test_pending_deletes_are_replayed_in_a_process_that_does_nothing_else(server: Memcached) -> None:
    cache, other = cache_at(server.address, dead_timeout=1000, timeout=0.2), cache_at(server.address)
    assert other.get_or_compute("a", lambda: "old") == "old"
    assert works(cache, "b")
    with stopped(server):
        # The first delete is on its way; later ones are not sent to a server that does not reply.
        assert cache.invalidate(["b"]) == ["b"]
        assert cache.invalidate(["a"]) == ["a"]
    until(lambda: other.get_or_compute("a", lambda: "new") == "new")


def test_no_thread_finds_a_server_up_before_all_pending_deletes_are_replayed(
    server: Memcached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.lookaside.server.REPLAY_EVERY", 1000)
    cache = cache_at(server.address, dead_timeout=0)
    assert cache.get_or_compute("a", lambda: "old") == "old"
    with stopped(server):
        assert cache.invalidate(["a"]) == ["a"]
    replaying, proceed = threading.Event(), threading.Event()
    replay = Server._replay

    def replay_slowly(at: Server, *arguments: Any) -> None:
        replaying.set()
        assert proceed.wait(30)
        replay(at, *arguments)

    monkeypatch.setattr(Server, "_replay", replay_slowly)
    with ThreadPoolExecutor(1) as other:
        found = other.submit(cache.get_or_compute, "b", lambda: 1)
        assert replaying.wait(30)
        assert cache.get_or_compute("a", lambda: "new") == "new"
        assert cache.invalidate(["c"]) == ["c"]
        assert cache.get_or_compute("a", lambda: "new") == "new"
        proceed.set()
        assert found.result() == 1
    until(lambda: works(cache, "c"))
    assert cache.get_or_compute("a", lambda: "new") == "new"


def test_a_server_that_hangs_after_it_refused_costs_one_wait(server: Memcached) -> None:
    cache = marking_at(server.address, dead_timeout=1000)
    server.stop()
    assert cache.invalidate(["a"]) == ["a"]
    server.start()
    with stopped(server), stats.collected() as counted:
        for _ in range(5):
            assert cache.mark(["a"]).numbers == {}
            assert cache.invalidate(["a"]) == ["a"]
    assert counted.round_trips <= 2


def test_requests_count_an_outage_while_deletes_are_pending(
    server: Memcached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.lookaside.server.REPLAY_EVERY", 0.001)
    cache = cache_at(server.address, dead_timeout=0.1)
    server.stop()
    assert cache.invalidate(["a"]) == ["a"]
    time.sleep(0.3)

    def is_counted() -> bool:
        with stats.collected() as counted:
            assert cache.get_or_compute("b", lambda: 1) == 1
        return counted.failures > 0

    until(is_counted)


def test_an_unreachable_address_never_raises() -> None:
    with socket.socket() as silent:
        # The kernel accepts connections; nothing replies.
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        for address in (
            f"127.0.0.1:{silent.getsockname()[1]}",
            "127.0.0.1:1",
            "192.0.2.1",
            "[::1]:1",
            "unix:/nowhere/at/all.sock",
            "no-such-host.invalid",
            "127.0.0.1:no-port",
        ):
            cache = cache_at(address, dead_timeout=1000)
            assert cache.get_or_compute("a", lambda: 1) == 1
            assert cache.get_many_or_compute(["a"], lambda _: {"a": 2}) == {"a": 2}
            assert cache.invalidate(["a"]) == ["a"]


MALFORMED = [
    b"",
    b"HTTP/1.1 400 Bad Request\r\n\r\n",
    b"VA\r\n",
    b"VA x W\r\n",
    b"\r\n",
    b"VA 9 c1\r\nab",
    b"\0" * 5000,
]


@pytest.mark.parametrize("reply", MALFORMED)
def test_a_server_with_malformed_replies_never_raises(reply: bytes) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def answer() -> None:
            with suppress(OSError):
                while True:
                    with listening.accept()[0] as connection:
                        connection.recv(4096)
                        connection.sendall(reply)

        threading.Thread(target=answer, daemon=True).start()
        cache = cache_at(f"127.0.0.1:{listening.getsockname()[1]}", dead_timeout=1000)
        with stats.collected() as counted:
            assert cache.get_or_compute("a", lambda: 1) == 1
        assert counted.failures == 2
        listening.shutdown(socket.SHUT_RDWR)


def test_a_full_server_evicts_and_every_read_is_right(start_server: Callable[..., Memcached]) -> None:
    cache = cache_at(start_server(megabytes=2).address)
    texts = {f"key {number}": os.urandom(10_000) for number in range(600)}
    for _ in range(2):
        for key, text in texts.items():
            assert cache.get_or_compute(key, lambda text=text: text) == text  # type: ignore[misc]
    with stats.collected() as counted:
        cache.get_many_or_compute(list(texts), lambda keys: {key: texts[key] for key in keys})
    assert counted.misses > 0


@pytest.fixture
def handlers() -> Iterator[list[Any]]:
    """`on_invalidation_failed`, restored afterwards."""
    before = list(lookaside.on_invalidation_failed)
    yield lookaside.on_invalidation_failed
    lookaside.on_invalidation_failed[:] = before


def test_failed_invalidations_are_passed_on_once_and_a_failing_function_is_logged(
    server: Memcached, handlers: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    taken: list[list[str]] = []

    def broken(keys: list[str]) -> None:
        raise ConnectionError("the queue is down")

    handlers[:] = [broken, taken.append]
    cache = cache_at(server.address, dead_timeout=1000)
    assert cache.invalidate(["a"]) == []
    server.stop()
    with caplog.at_level(logging.ERROR):
        assert cache.invalidate(["a", "b"]) == ["a", "b"]
    assert taken == [["a", "b"]]
    assert "broken" in caplog.text
    assert cache.invalidate(["a"], retrying=True) == ["a"]
    assert taken == [["a", "b"]]


def test_the_keys_of_a_server_that_is_down_move_to_no_other(
    start_server: Callable[..., Memcached],
) -> None:
    servers = [start_server(), start_server(), start_server()]
    cache = cache_at(*[server.address for server in servers], dead_timeout=1000)
    keys = [f"key {number}" for number in range(300)]
    counter = itertools.count()

    def hits() -> int:
        with stats.collected() as counted:
            cache.get_many_or_compute(keys, lambda keys: {key: next(counter) for key in keys})
        return counted.hits

    assert [hits(), hits()] == [0, 300]
    servers[0].stop()
    share = 300 - hits()
    assert 50 < share < 150
    assert hits() == 300 - share
    assert len(cache.invalidate(keys)) == share


def test_without_compare_and_swap_nothing_is_stored() -> None:
    from apps.lookaside.client import Reply
    from apps.lookaside.memcached import parsed

    granted_by: Any = object()
    assert parsed(b"k", Reply(b"VA", [b"f0", b"c0", b"W"], b""), granted_by) is None
    assert parsed(b"k", Reply(b"VA", [b"f0", b"c5", b"W"], b""), granted_by) is not None


# ── Marks, which are set in an open transaction ───────────────────────────────────────────────────


def marking_at(address: str, *, dead_timeout: float) -> Lookaside:
    cache = cache_at(address, dead_timeout=dead_timeout)
    cache.mark_seconds = 30
    assert works(cache, "a")
    return cache


def test_a_mark_that_fails_forbids_no_delete_after_it(server: Memcached) -> None:
    cache = marking_at(server.address, dead_timeout=1000)
    server.stop()
    assert cache.mark(["a"]).numbers == {}
    server.start()
    assert cache.invalidate(["a"]) == []


def test_a_mark_without_a_reply_waits_once_and_forbids_no_delete_after_it(server: Memcached) -> None:
    cache = marking_at(server.address, dead_timeout=1000)
    with stopped(server), stats.collected() as counted:
        assert cache.mark([f"key {number}" for number in range(1000)]).numbers == {}
    assert counted.round_trips == 1
    assert cache.invalidate(["a"]) == []
    assert cache.get_or_compute("a", lambda: "new") == "new"


def test_a_mark_neither_asks_whether_a_server_is_back_nor_replays_deletes(
    server: Memcached, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("apps.lookaside.server.REPLAY_EVERY", 1000)
    cache = marking_at(server.address, dead_timeout=0)
    with stopped(server):
        assert cache.invalidate(["a"]) == ["a"]
    with stats.collected() as counted:
        assert cache.mark(["a"]).numbers == {}
    assert counted.round_trips == 0
    assert works(cache, "a")
    assert cache.mark(["a"]).numbers


def test_a_mark_connects_again_to_a_server_of_this_machine(start_server: Callable[..., Memcached]) -> None:
    """Restarted between two statements of a transaction: its writer may be killed after the COMMIT."""
    server = start_server()
    assert server.address.startswith(("unix:", "/"))
    cache = marking_at(server.address, dead_timeout=1000)
    server.stop()
    assert cache.mark(["a"]).numbers == {}
    assert cache.invalidate(["b"]) == ["b"]
    server.start()
    assert cache.mark(["a"]).numbers
    assert cache_at(server.address).get_or_compute("a", lambda: "computed") == "computed"
    assert not works(cache_at(server.address), "a")


def test_a_mark_does_not_wait_for_a_connection(monkeypatch: pytest.MonkeyPatch) -> None:
    """A name server may take seconds, and PostgreSQL ends a transaction that is idle for 10."""
    cache = cache_at("memcached.invalid:11211")
    cache.mark_seconds = 30
    connections: list[object] = []
    connect = Server._connect

    def counted(at: Server) -> Any:
        connections.append(at)
        return connect(at)

    monkeypatch.setattr(Server, "_connect", counted)
    assert cache.mark(["a"]).numbers == {}
    assert connections == []
    assert cache.invalidate(["a"]) == ["a"]
    assert connections

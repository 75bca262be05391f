"""Many threads, and processes after a fork."""

import random
import subprocess
import sys
import threading
import warnings
from pathlib import Path

import pytest
from django.core.cache import caches
from django.core.signals import request_finished

from apps import lookaside
from apps.lookaside import stats
from apps.lookaside.backends import Lookaside
from apps.lookaside.tests.conftest import cache_at
from deploy.local.memcached import Memcached
from tests.support.concurrency import at_once

ROOT = Path(__file__).parents[3]


def test_after_a_fork_parent_and_children_use_connections_of_their_own(memcached: str) -> None:
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-m", "apps.lookaside.tests.forking", memcached],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert (done.stdout, done.stderr) == ("[0, 0]\n", "")


def test_sixteen_threads_that_write_and_read_see_no_stale_value(cache: Lookaside) -> None:
    keys = [f"hammered {number}" for number in range(5)]
    rows = dict.fromkeys(keys, 0)
    finished = dict.fromkeys(keys, 0)
    lock = threading.Lock()

    def write(key: str) -> int:
        with lock:
            rows[key] += 1
            version = rows[key]
        assert cache.invalidate([key]) == []
        with lock:
            finished[key] = max(finished[key], version)
        return 0

    def read(several: list[str]) -> int:
        at_least = {key: finished[key] for key in several}
        found = cache.get_many_or_compute(several, lambda keys: {key: rows[key] for key in keys})
        return sum(value is None or value < at_least[key] for key, value in found.items())

    def hammer(seed: int) -> tuple[int, int]:
        rng = random.Random(seed)
        with stats.collected() as counted:
            stale = sum(
                write(rng.choice(keys)) if rng.random() < 0.2 else read(rng.sample(keys, 2))
                for _ in range(150)
            )
        return stale, counted.hits

    results = at_once([lambda seed=seed: hammer(seed) for seed in range(16)])  # type: ignore[misc]
    assert sum(stale for stale, _ in results) == 0
    assert sum(hits for _, hits in results) > 500


@pytest.mark.usefixtures("memcached")
def test_the_end_of_a_request_closes_no_connection() -> None:
    cache = lookaside.cache()
    cache.get_or_compute("a", lambda: 1)
    server = next(iter(cache.store._batches([b"k"])))[0]  # type: ignore[attr-defined]
    before = server.client()
    caches["lookaside"].close()
    request_finished.send(sender=None)
    cache.get_or_compute("a", lambda: 1)
    assert server.client() is before


def test_a_thread_that_ends_closes_its_connection(server: Memcached) -> None:
    cache = cache_at(server.address)
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always", ResourceWarning)
        at_once([lambda: cache.invalidate(["a"])] * 4, threads=4)
    assert not warned

"""This thread's use of the cache: round trips, hits, misses, time. For Server-Timing, metrics and tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Counts:
    """Round trips, failures (also to connect), hits and misses by key, waits for a lease; seconds in all."""

    round_trips: int = 0
    hits: int = 0
    misses: int = 0
    failures: int = 0
    waits: int = 0
    seconds: float = 0.0

    def add(self, other: "Counts") -> None:
        # Spelled out, since each request runs it twice: a loop over `dataclasses.fields` is far slower.
        self.round_trips += other.round_trips
        self.hits += other.hits
        self.misses += other.misses
        self.failures += other.failures
        self.waits += other.waits
        self.seconds += other.seconds


class _Thread(threading.local):
    def __init__(self) -> None:
        self.counts = Counts()


_thread = _Thread()


def counts() -> Counts:
    """The counts of the innermost `collected` block of this thread, to be added to."""
    return _thread.counts


@contextmanager
def collected() -> Iterator[Counts]:
    """The counts of this thread inside the block, complete at its end. Blocks may nest."""
    outer = _thread.counts
    block = _thread.counts = Counts()
    try:
        yield block
    finally:
        outer.add(block)
        _thread.counts = outer

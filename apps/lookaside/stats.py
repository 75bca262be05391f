"""This thread's use of the cache: round trips, hits, misses, time. For Server-Timing, metrics and tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields


@dataclass
class Counts:
    """Round trips (and failures among them), hits and misses by key, waits for a lease; seconds in all."""

    round_trips: int = 0
    hits: int = 0
    misses: int = 0
    failures: int = 0
    waits: int = 0
    seconds: float = 0.0

    def add(self, other: "Counts", sign: int = 1) -> None:
        for field in fields(self):
            setattr(self, field.name, getattr(self, field.name) + sign * getattr(other, field.name))


class _Thread(threading.local):
    def __init__(self) -> None:
        self.counts = Counts()


_thread = _Thread()


def counts() -> Counts:
    """This thread's running totals, to be added to."""
    return _thread.counts


@contextmanager
def collected() -> Iterator[Counts]:
    """The counts of this thread inside the block, complete at its end. Blocks may nest."""
    block = Counts()
    block.add(counts(), -1)
    try:
        yield block
    finally:
        block.add(counts())

"""What the cache did for this thread: round trips, hits, misses, time. For Server-Timing and for tests."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields


@dataclass
class Counts:
    """Round trips to memcached (failed ones too), keys found and not found, and seconds spent on it all.

    ``seconds`` holds waiting for somebody else's lease, and nothing of what computing a value took.
    """

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
    """This thread's running totals; what counts writes to it."""
    return _thread.counts


@contextmanager
def collected() -> Iterator[Counts]:
    """What happens inside, in this thread; complete when the block has ended. Blocks may nest."""
    block = Counts()
    block.add(counts(), -1)
    try:
        yield block
    finally:
        block.add(counts())

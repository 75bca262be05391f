"""Progress of a long command."""

import sys
import time
from collections.abc import Iterable, Iterator
from typing import TextIO

WIDTH = 30
_EVERY = 512


class Progress:
    """Bars on a terminal, else one line for each step; nothing if ``shown`` is false."""

    def __init__(self, *, shown: bool, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._shown = shown
        self._bars = shown and self._stream.isatty()

    def step(self, name: str) -> None:
        if self._shown:
            self._stream.write(f"{name} …\n")
            self._stream.flush()

    def over[T](self, items: Iterable[T], total: int, name: str) -> Iterator[T]:
        """Yields the items, and draws a bar of ``total``."""
        self.step(name)
        began = time.monotonic()
        drawn = 0.0
        for done, item in enumerate(items, start=1):
            yield item
            if self._bars and done % _EVERY == 0 and (now := time.monotonic()) - drawn > 0.2:
                drawn = now
                self._bar(done, total, now - began)
        if self._bars:
            self._stream.write("\r\033[K")

    def _bar(self, done: int, total: int, seconds: float) -> None:
        share = min(done / max(total, 1), 1.0)
        left = seconds / share - seconds
        full = "█" * int(share * WIDTH)
        self._stream.write(f"\r  {full:░<{WIDTH}} {done:,} of {total:,}, about {left:,.0f} s left\033[K")
        self._stream.flush()

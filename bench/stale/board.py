"""What processes share: of each row the version whose write has returned, and that of a killed writer.

`MARKED` is the version that a writer had marked when it was killed; the versions `KILLED` and `ENDED` were
marked, `UNMARKED` was not: memcached did not reply to the mark in time.
"""

import mmap
from array import array
from typing import cast

ANSWERED, MARKED, KILLED, ENDED, UNMARKED = KINDS = range(5)


class Board:
    """Numbers of 8 bytes in shared memory. Each has one writer; a reader sees the old or the new one."""

    def __init__(self, rows: int) -> None:
        self.rows = rows
        self._numbers = cast("array[int]", memoryview(mmap.mmap(-1, 8 * len(KINDS) * rows)).cast("q"))

    def get(self, what: int, row: int) -> int:
        return self._numbers[what * self.rows + row]

    def set(self, what: int, row: int, version: int) -> None:
        self._numbers[what * self.rows + row] = version

"""Measured cells, appended to a file as they are measured: a run that was interrupted goes on from there."""

import json
import sys
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from bench.lib.database import HOME

FILE = HOME / "ladder.jsonl"
COUNTING = -1  # in place of a round: what one request costs


@dataclass(frozen=True, slots=True)
class Cell:
    """One turn of one configuration. ``round`` 0 is the first; `COUNTING`: no turn, a counted request."""

    scenario: str
    configuration: str
    round: int


class Journal:
    """The cells of this commit and size. Those of a dirty working tree are of no run that goes on."""

    def __init__(self, commit: str, size: str, *, file: Path = FILE) -> None:
        self._key = {"commit": commit, "size": size}
        self._file = file
        self.values: dict[Cell, Mapping[str, float]] = {}
        if file.exists() and not commit.endswith("-dirty"):
            for line in file.read_text().splitlines():
                self._take(line)
        if not self.values:
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text("")

    def _take(self, line: str) -> None:
        try:
            found = json.loads(line)
        except ValueError:
            return  # cut off as the run was killed
        if found["key"] == self._key:
            self.values[Cell(**found["cell"])] = found["values"]

    def add(self, cell: Cell, values: Mapping[str, float]) -> None:
        self.values[cell] = values
        line = json.dumps({"key": self._key, "cell": asdict(cell), "values": values})
        with self._file.open("a") as file:
            # A line that was cut off is left behind.
            file.write(f"\n{line}\n")

    def forget(self) -> None:
        """The run is complete: the next one measures anew."""
        self._file.unlink(missing_ok=True)


class Progress:
    """What is done, and how long the rest takes at this pace; on standard error."""

    def __init__(self, total: int) -> None:
        self._left = total
        self._done = 0
        self._seconds = 0.0
        self._told = time.monotonic()

    def begin(self) -> None:
        """The time until now was no cell's: servers were started."""
        self._told = time.monotonic()

    def tell(self, cell: Cell, values: Mapping[str, float]) -> None:
        now = time.monotonic()
        self._seconds += now - self._told
        self._told = now
        self._done += 1
        self._left -= 1
        minutes = self._seconds / self._done * self._left / 60
        print(
            f"{self._done:>4}, {self._left} left, about {minutes:.0f} min: {cell.scenario}, "
            f"{cell.configuration}: {values['rate']:,.0f} a second",
            file=sys.stderr,
            flush=True,
        )

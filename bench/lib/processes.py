"""What processes cost (processor time, memory), and the cores that they run on.

The worker that is measured has a core of its own. The load, PostgreSQL and memcached share the others, so
that none of them takes time from it. Their processor time is reported beside the worker's.
"""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from deploy.local import services


def worker_core() -> set[int]:
    """The core of the worker that is measured."""
    return {min(os.sched_getaffinity(0))}


def other_cores() -> set[int]:
    """The cores of the load and the services; with one core alone, that core."""
    return os.sched_getaffinity(0) - worker_core() or worker_core()


def pin(pid: int, cores: set[int]) -> None:
    """Moves a process, its threads and its descendants to ``cores``. What they start inherits them."""
    for process in (pid, *services.descendants(pid)):
        for thread in Path(f"/proc/{process}/task").glob("*"):
            try:
                os.sched_setaffinity(int(thread.name), cores)
            except ProcessLookupError:
                continue


def cpu_seconds(pid: int) -> float:
    """The processor time of a process and its descendants, with those that have ended."""
    ticks = 0
    for process in (pid, *services.descendants(pid)):
        try:
            fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        # utime, stime; of the process itself also those of its ended children.
        ticks += sum(int(field) for field in fields[11 : 15 if process == pid else 13])
    return ticks / os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Memory:
    """Megabytes. PSS has its share of the pages that other processes map, too; private pages are its own."""

    pss_mb: float
    private_mb: float


def memory(pid: int) -> Memory:
    """The memory of one process now."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    found = dict(re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE))
    private = int(found["Private_Clean"]) + int(found["Private_Dirty"])
    return Memory(round(int(found["Pss"]) / 1024, 1), round(private / 1024, 1))

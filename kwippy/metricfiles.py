"""The files in which gunicorn's processes count for prometheus, in the folder PROMETHEUS_MULTIPROC_DIR.

Each process writes to its own, and whichever is asked adds up all of them. This module knows nothing of
Django: gunicorn's first process, which has not loaded the site, sweeps the folder with it.
"""

import fcntl
import os
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

from prometheus_client.mmap_dict import MmapedDict

# In place of a process's number: what those have counted that have ended.
ENDED = "ended"


def folder() -> Path | None:
    """Where the files are; None in a process that counts in its memory, for itself alone."""
    path = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(path) if path else None


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """While the files are read nobody sweeps: a count would be seen twice, or not at all."""
    with (path / "lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield


def sweep(path: Path, *, living: Collection[int]) -> None:
    """Adds the counts of processes that are not ``living`` to one file, and takes their files away.

    Their gauges, which tell of a moment, go. While somebody reads nothing is done: the next sweep does it.
    """
    with (path / "lock").open("a") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return
        for file in path.glob("*.db"):
            kind, _, process = file.stem.rpartition("_")
            if process != ENDED and int(process) not in living:
                if not kind.startswith("gauge"):
                    _add(file, path / f"{kind}_{ENDED}.db")
                file.unlink()


def _add(file: Path, total: Path) -> None:
    counts = MmapedDict(str(total))
    for key, value, _, _ in MmapedDict.read_all_values_from_file(str(file)):
        counts.write_value(key, counts.read_value(key)[0] + value, 0.0)
    counts.close()

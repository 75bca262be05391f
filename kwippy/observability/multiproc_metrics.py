"""Metrics of several gunicorn workers: each counts in files of its own, and any of them can report the sum.

The files are in the folder PROMETHEUS_MULTIPROC_DIR and are named after the worker's *slot*, a small number
that no two living workers share. A new worker continues the files of an ended one, so that counts stay and
the number of files is bounded. This module imports nothing of Django: gunicorn's master uses it.
"""

import os
from collections.abc import Collection
from itertools import count

from prometheus_client import multiprocess, values

FOLDER = "PROMETHEUS_MULTIPROC_DIR"


def folder() -> str | None:
    """The folder of the files; None in a process that counts in memory, for itself alone."""
    return os.environ.get(FOLDER)


def free_slot(taken: Collection[int]) -> int:
    """The lowest number that is not ``taken``."""
    return next(slot for slot in count() if slot not in taken)


def use_slot(slot: int) -> None:
    """Count in the files of ``slot``. Call it in a worker before any metric is created."""
    values.ValueClass = values.MultiProcessValue(process_identifier=lambda: slot)


def drop_gauges(slot: int) -> None:
    """Remove the gauges of an ended worker, which described its present. Its counts stay."""
    multiprocess.mark_process_dead(slot)

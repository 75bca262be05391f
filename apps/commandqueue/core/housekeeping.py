"""What has to be done now and then: lost leases, expired mail, old commands, the schedule."""

import logging
import math
import threading
import time
from collections.abc import Callable
from typing import Protocol

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from apps.commandqueue.core import outcomes, schedule, store
from apps.commandqueue.models import State

log = logging.getLogger(__name__)

# What some thousand commands leave behind.
DEAD_ROWS = 15_000


class Keeping(Protocol):
    """The part of a worker's pace that matters here."""

    @property
    def most_unanswered(self) -> int: ...
    @property
    def keep_done(self) -> float: ...
    @property
    def keep_dead(self) -> float: ...


class Housekeeper(threading.Thread):
    """One thread a worker. Several workers' do not get into each other's way: rows held are skipped."""

    def __init__(self, pace: Keeping, stopping: threading.Event) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self.pace = pace
        self.stopping = stopping
        self._chores: list[tuple[float, Callable[[], None]]] = [
            (math.inf, schedule.align),
            (0.5, self.reap),
            (1.0, schedule.enqueue_due),
            (10.0, self.expire),
            (60.0, self.purge),
            (5.0, self.vacuum),
        ]

    def run(self) -> None:
        due = [0.0] * len(self._chores)
        while not self.stopping.wait(0.25):
            for place, (every, chore) in enumerate(self._chores):
                if time.monotonic() >= due[place]:
                    due[place] = time.monotonic() + (every if self._try(chore) else 1)
            close_old_connections()
        connection.close()

    def tidy(self) -> None:
        """Every chore once, in this thread. Raises DatabaseError."""
        for _, chore in self._chores:
            chore()

    def reap(self) -> None:
        for command_id, is_dead in store.reap(
            most_unanswered=self.pace.most_unanswered, base=outcomes.BACKOFF_BASE
        ):
            log.warning("command %s: its worker was lost%s", command_id, "; it is a dead letter" * is_dead)

    def expire(self) -> None:
        while not self.stopping.is_set() and (count := store.expire()):
            log.error("%s commands have expired undone", count)
        while not self.stopping.is_set() and store.erase():
            pass

    def purge(self) -> None:
        for states, age in (
            ([State.DONE, State.DISCARDED], self.pace.keep_done),
            ([State.DEAD], self.pace.keep_dead),
        ):
            while not self.stopping.is_set() and store.purge(states=states, age=age):
                pass

    def vacuum(self) -> None:
        """Clear dead rows away when many have come together.

        A busy queue leaves hundreds of megabytes of them in the minute until autovacuum comes round.
        """
        if store.dead_rows() > DEAD_ROWS:
            store.vacuum()

    def _try(self, chore: Callable[[], None]) -> bool:
        try:
            chore()
            return True
        except (DatabaseError, InterfaceError) as error:
            log.warning("PostgreSQL: %s", str(error).strip() or type(error).__name__)
            connection.close()
        except Exception:
            log.exception("a chore failed")
        return False

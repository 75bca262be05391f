"""What each worker does periodically: lost leases, expiry, retention, vacuum, the schedule."""

import logging
import math
import threading
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from apps.commandqueue.core import outcomes, schedule, store
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.models import State

log = logging.getLogger(__name__)

# A few thousand commands leave as many dead rows behind.
VACUUM_ABOVE = 15_000
# After a vacuum that left most of them (a transaction holds an old snapshot), seconds until the next.
VACUUM_PAUSE = 60.0
# A chore may take this part of the time: some read all entries of an index, those of dead rows too.
SHARE = 1 / 20
# But work that waits for one, however slow it was, waits no longer than this, in seconds.
LONGEST_PAUSE = 10.0


def pause_after(seconds: float, *, ok: bool, every: float, longest: float) -> float:
    """Seconds until a chore runs again that has taken ``seconds``."""
    if not ok:
        # That time was no work: PostgreSQL may have been away.
        return 1.0
    return max(every, min(seconds / SHARE, longest))


class Housekeeper(threading.Thread):
    """One thread a worker process. Several workers do not conflict: rows locked by another are skipped."""

    def __init__(self, options: WorkerOptions, stopping: threading.Event) -> None:
        super().__init__(name="housekeeper", daemon=True)
        self.options = options
        self.stopping = stopping
        self._vacuum_at = 0.0
        # Each with its interval and its longest pause in seconds; the first runs once, at the start.
        self._chores: list[tuple[float, float, Callable[[], None]]] = [
            (math.inf, math.inf, schedule.sync_schedule),
            (0.5, LONGEST_PAUSE, self.reap),
            (1.0, LONGEST_PAUSE, schedule.enqueue_due),
            (10.0, math.inf, self.expire),
            (60.0, math.inf, self.purge),
            (5.0, math.inf, self.vacuum),
        ]

    def run(self) -> None:
        due = [0.0] * len(self._chores)
        while not self.stopping.wait(0.25):
            for place, (every, longest, chore) in enumerate(self._chores):
                if (began_at := time.monotonic()) >= due[place]:
                    ok = self._try(chore)
                    ended_at = time.monotonic()
                    due[place] = ended_at + pause_after(
                        ended_at - began_at, ok=ok, every=every, longest=longest
                    )
            close_old_connections()
        connection.close()

    def run_all(self) -> None:
        """Run every chore once, in the calling thread. Raises DatabaseError."""
        for *_, chore in self._chores:
            chore()

    def reap(self) -> None:
        lost = store.reap(max_lost_attempts=self.options.max_lost_attempts, base=outcomes.BACKOFF_BASE)
        for command_id, is_dead in lost:
            consequence = "it is a dead letter" if is_dead else "another worker will take it"
            log.warning("command %s: its lease has ended without a result; %s", command_id, consequence)

    def expire(self) -> None:
        while not self.stopping.is_set() and (count := store.expire()):
            log.error("%s commands expired before they were done", count)
        while not self.stopping.is_set() and store.erase_bodies():
            pass

    def purge(self) -> None:
        retention = self.options.retention
        for states, age in (
            ([State.DONE, State.DISCARDED], retention.done),
            ([State.DEAD], retention.dead),
        ):
            while not self.stopping.is_set() and store.purge(states=states, age=age):
                pass

    def vacuum(self) -> None:
        """Vacuum the table when it has many dead rows.

        A busy queue leaves hundreds of megabytes of them in the minute between two runs of autovacuum.
        """
        if time.monotonic() < self._vacuum_at or (before := store.dead_rows()) <= VACUUM_ABOVE:
            return
        store.vacuum()
        if store.dead_rows() > before / 2:
            self._vacuum_at = time.monotonic() + VACUUM_PAUSE

    def _try(self, chore: Callable[[], None]) -> bool:
        try:
            chore()
            return True
        except (DatabaseError, InterfaceError) as error:
            log.warning("PostgreSQL: %s", str(error).strip() or type(error).__name__)
            connection.close()
        except Exception:
            log.exception("housekeeping failed")
        return False

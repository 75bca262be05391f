"""The worker: starts its threads and supervises them."""

import logging
import sys
import threading
import time
import traceback
from collections.abc import Iterable

from django.db import connection

from apps.commandqueue.core import housekeeping, store
from apps.commandqueue.core.batch import DATABASE_ERRORS
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.thread import QueueThread
from apps.commandqueue.models import Queue

log = logging.getLogger(__name__)

# How often the threads are supervised, in seconds.
TICK = 0.1
# Of the stack of a task that hangs, its innermost part.
MOST_STACK = 8_000


class Worker:
    """All threads of one worker process."""

    def __init__(
        self,
        *,
        queues: Iterable[str] = tuple(Queue.values),
        threads: int = 1,
        options: WorkerOptions | None = None,
        once: bool = False,
    ) -> None:
        """``threads`` is the number of threads for each queue."""
        self.options = options or WorkerOptions()
        self.once = once
        self.stopping = threading.Event()
        self.threads = [self._thread(name, number) for name in queues for number in range(1, threads + 1)]
        self.housekeeper = housekeeping.Housekeeper(self.options, self.stopping)
        self._replaced = 0

    def run(self) -> int:
        """Run until `stop` (or, with ``once``, until nothing can be claimed); returns the exit code."""
        if self.once:
            self.housekeeper.run_all()
        else:
            self.housekeeper.start()
        for thread in self.threads:
            thread.start()
        give_up_at: float | None = None
        while alive := [thread for thread in self.threads if thread.is_alive()]:
            alive[0].join(TICK)
            self._supervise()
            if self.stopping.is_set():
                give_up_at = give_up_at or time.monotonic() + self.options.grace
                if time.monotonic() > give_up_at:
                    self._abandon(alive)
                    return 1
        return 1 if self._replaced > len(self.threads) else 0

    def stop(self) -> None:
        """Finish the started commands and claim no more."""
        self.stopping.set()

    def is_ready(self) -> bool:
        """Whether every thread is alive and PostgreSQL has answered it within its lease."""
        now = time.monotonic()
        return not self.stopping.is_set() and all(
            thread.is_alive() and (thread.lease_ends_at or thread.answered_at + 10) > now
            for thread in self.threads
        )

    def _supervise(self) -> None:
        """Enforce the deadlines of messages; replace threads whose task does not return."""
        for place, thread in enumerate(self.threads):
            thread.deadline.enforce()
            self._give_back_late(thread)
            lease_ends_at = thread.lease_ends_at
            if (
                lease_ends_at is None
                or time.monotonic() < lease_ends_at + self.options.lease
                or self.stopping.is_set()
            ):
                continue
            log.error("thread %s hangs in a task: another thread replaces it", thread.name)
            self._note_stack(thread)
            self._replaced += 1
            self.threads[place] = self._thread(thread.queue_name, 100 + self._replaced)
            self.threads[place].start()
        if self._replaced > len(self.threads):
            # Too many threads hang: the process ends, and its supervisor starts a new one.
            self.stop()

    def _give_back_late(self, thread: QueueThread) -> None:
        """What a batched task that takes long holds up is given back, before its lease ends."""
        if not thread.batch.is_late():
            return
        try:
            thread.batch.give_back_late()
        except DATABASE_ERRORS as error:
            log.warning("PostgreSQL: %s", str(error).strip() or type(error).__name__)
        finally:
            connection.close()

    def _abandon(self, threads: Iterable[QueueThread]) -> None:
        """The process ends without these threads: their commands are given back."""
        for thread in threads:
            try:
                thread.abandon()
                log.error("thread %s was cut off by the shutdown: its commands were given back", thread.name)
            except DATABASE_ERRORS:
                connection.close()
                log.error("thread %s was cut off by the shutdown: its leases will end", thread.name)

    def _note_stack(self, thread: QueueThread) -> None:
        """Write where the thread hangs into its command's errors, for operators."""
        attempt, frame = thread.current, sys._current_frames().get(thread.ident or 0)
        if attempt is None or frame is None:
            return
        stack = "".join(traceback.format_stack(frame))[-MOST_STACK:]
        try:
            store.add_error(attempt.id, {"reason": "it hangs: another thread took over", "traceback": stack})
        except DATABASE_ERRORS as error:
            log.warning("PostgreSQL: %s", str(error).strip() or type(error).__name__)
        finally:
            connection.close()

    def _thread(self, queue_name: str, number: int) -> QueueThread:
        return QueueThread(queue_name, number, options=self.options, stopping=self.stopping, once=self.once)

"""The worker: threads that claim and carry out commands, and the loop that supervises them.

The one file of core/ that knows mail/ and tasks/: it hands a message to `MailDelivery`, a task to
`execution`.
"""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Iterable, Sequence

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from apps.commandqueue.core import housekeeping, outcomes, store
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.mail import hooks
from apps.commandqueue.mail.delivery import MailDelivery
from apps.commandqueue.mail.smtp import Deadline
from apps.commandqueue.models import Kind, Queue, State
from apps.commandqueue.operate import metrics
from apps.commandqueue.tasks import execution

log = logging.getLogger(__name__)

DATABASE_ERRORS = (DatabaseError, InterfaceError)
# How often the threads are supervised, in seconds.
TICK = 0.1


class QueueThread(threading.Thread):
    """Carries out one queue's commands, one after the other."""

    def __init__(
        self, queue_name: str, number: int, *, options: WorkerOptions, stopping: threading.Event, once: bool
    ) -> None:
        super().__init__(name=f"{queue_name}-{number}", daemon=True)
        self.queue_name = queue_name
        self.options = options
        self.stopping = stopping
        self.once = once
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}:{self.name}"
        self.deadline = Deadline()
        self.mail = MailDelivery(self.deadline)
        # For readiness and supervision: PostgreSQL's last answer, the end of the started command's lease.
        self.answered_at = time.monotonic()
        self.lease_ends_at: float | None = None
        self._mail_paused_until = 0.0
        self._failures = 0

    def run(self) -> None:
        try:
            while not self.stopping.is_set():
                try:
                    batch = self._claim()
                    if not batch and self.once:
                        break
                    self._work_off(batch)
                except DATABASE_ERRORS as error:
                    self._wait_for_database(error)
                except Exception:
                    # A fault of the worker, not of a command. The leases of the batch will end.
                    log.exception("thread %s: the batch failed; continuing", self.name)
                    self.stopping.wait(1)
        finally:
            self.mail.close()
            connection.close()

    def _claim(self) -> list[store.ClaimedCommand]:
        """Claim the next commands; without any, wait for a moment."""
        not_kinds = [Kind.MAIL] if time.monotonic() < self._mail_paused_until else []
        batch = store.claim(
            queue_name=self.queue_name,
            limit=self.options.batch,
            lease=self.options.lease,
            not_kinds=not_kinds,
        )
        self.answered_at = time.monotonic()
        if not batch and not self.once:
            self.mail.close_idle()
            close_old_connections()  # back to the pool while this thread waits
            self.stopping.wait(self.options.poll * random.uniform(0.5, 1))  # noqa: S311
        return batch

    def _work_off(self, batch: Sequence[store.ClaimedCommand]) -> None:
        """Carry out a batch; commands that can't be started now (stopping, mail is paused) are given back."""
        sent: store.ClaimedCommand | None = None
        back: list[store.ClaimedCommand] = []
        try:
            for following in batch:
                quota = self.mail.quota_for(following) if following.kind == Kind.MAIL else None
                if quota is not None:
                    # Waiting for the quota may take longer than the lease of what was sent.
                    self._settle_and_renew(sent, None)
                    sent = None
                if self.stopping.is_set() or (following.kind == Kind.MAIL and not self._may_send(quota)):
                    back.append(following)
                    continue
                attempt = self._settle_and_renew(sent, following)
                sent = self._carry_out(attempt) if attempt is not None else None
        finally:
            # In any case: a message that was sent and is not settled is sent again.
            self._settle_and_renew(sent, None)
        store.release(back)

    def _may_send(self, quota: store.QuotaRequest | None) -> bool:
        """Take the message's share of its quota; False if mail is paused or has to wait for longer."""
        while time.monotonic() >= self._mail_paused_until:
            seconds = store.take_quota(quota) if quota is not None else 0.0
            if not seconds:
                return True
            if seconds > 1:
                self._mail_paused_until = time.monotonic() + min(seconds, self.options.longest_pause)
            else:
                close_old_connections()
                if self.stopping.wait(seconds):
                    break
        return False

    def _carry_out(self, attempt: store.Attempt) -> store.ClaimedCommand | None:
        """Make the attempt. Returns its command if it was sent: then the next round trip settles it."""
        command = attempt.command
        if command.kind == Kind.MAIL:
            outcome = self._deliver(attempt)
            if outcome.unreachable:
                self._failures += 1
                pause = min(self.options.longest_pause, 1 + outcomes.backoff(self._failures, base=1))
                self._mail_paused_until = time.monotonic() + pause
            else:
                self._failures = 0
            if outcome.state == State.DONE:
                metrics.count(command, outcome)
                return command
        else:
            outcome = self._execute(attempt)
        self._settle(attempt, outcome)
        return None

    def _deliver(self, attempt: store.Attempt) -> Outcome:
        try:
            if not hooks.is_wanted(attempt):
                return outcomes.discarded()
        except Exception as error:
            log.exception("command %s: a hook failed", attempt.id)
            return outcomes.retry(type(error).__name__, attempts=attempt.number)
        close_old_connections()  # a mail server may take its time
        outcome = self.mail.deliver(attempt, seconds=self.options.message_deadline)
        hooks.report(attempt, outcome)
        return outcome

    def _execute(self, attempt: store.Attempt) -> Outcome:
        try:
            return execution.execute(attempt)
        except Exception as error:
            log.exception("command %s could not be run", attempt.id)
            return outcomes.retry(str(error), attempts=attempt.number)

    def _settle_and_renew(
        self, sent: store.ClaimedCommand | None, following: store.ClaimedCommand | None
    ) -> store.Attempt | None:
        """Settle what was sent and start the next command; repeats while PostgreSQL is down.

        A message that was sent must be settled before its lease ends, or it is sent again.
        """
        if sent is None and following is None:
            return None
        lease = self._lease(following) if following is not None else self.options.lease
        until = self.lease_ends_at if sent is not None and self.lease_ends_at else time.monotonic() + lease
        may_be_settled = False
        while True:
            began_at = time.monotonic()
            try:
                was_ours, attempt = store.settle_and_renew(
                    sent, following, worker=self.worker_id, lease=lease
                )
            except DATABASE_ERRORS as error:
                self._wait_for_database(error)
                if time.monotonic() > until:
                    return None
                # Perhaps it was committed and only the reply was lost.
                may_be_settled = True
                continue
            if not was_ours and not may_be_settled:
                log.warning(
                    "command %s was sent after its lease ended: it may be sent twice", sent and sent.id
                )
            self.answered_at = time.monotonic()
            self.lease_ends_at = began_at + lease if attempt is not None else None
            return attempt

    def _settle(self, attempt: store.Attempt, outcome: Outcome) -> None:
        """Settle any result but "sent"; repeats while PostgreSQL is down, until the lease ends."""
        command = attempt.command
        while self.lease_ends_at is not None and time.monotonic() < self.lease_ends_at:
            try:
                state = store.settle(command, outcome)
            except DATABASE_ERRORS as error:
                self._wait_for_database(error)
                continue
            self.answered_at = time.monotonic()
            metrics.count(command, outcome)
            if state is None:
                log.warning("command %s ended after its lease: its result is dropped", command.id)
            elif outcome.error is not None:
                log.warning("command %s: %s: %s", command.id, state, outcomes.loggable(outcome.error))
            if command.kind == Kind.TASK and state in (State.DONE, State.DEAD):
                execution.send_task_finished(attempt)
            break
        self.lease_ends_at = None

    def _lease(self, command: store.ClaimedCommand) -> float:
        if command.kind == Kind.MAIL:
            return self.options.lease
        try:
            return execution.time_limit(command)
        except Exception:  # its backend is not in the settings: `_execute` reports it
            return self.options.lease

    def _wait_for_database(self, error: Exception) -> None:
        log.warning("PostgreSQL: %s", str(error).strip() or type(error).__name__)
        connection.close()
        self.stopping.wait(random.uniform(0.1, 1))  # noqa: S311
        if self.stopping.is_set():
            time.sleep(0.1)  # the last command is still to be settled


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
        """Run until `stop` (or, with ``once``, until nothing is due); returns the exit code."""
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
                give_up_at = give_up_at or time.monotonic() + self.options.lease
                if time.monotonic() > give_up_at:
                    log.error(
                        "stopped with a started command: another worker will retry it when its lease ends"
                    )
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
            lease_ends_at = thread.lease_ends_at
            if (
                lease_ends_at is None
                or time.monotonic() < lease_ends_at + self.options.lease
                or self.stopping.is_set()
            ):
                continue
            log.error("thread %s hangs in a task: another thread replaces it", thread.name)
            self._replaced += 1
            self.threads[place] = self._thread(thread.queue_name, 100 + self._replaced)
            self.threads[place].start()
        if self._replaced > len(self.threads):
            # Too many threads hang: the process ends, and its supervisor starts a new one.
            self.stop()

    def _thread(self, queue_name: str, number: int) -> QueueThread:
        return QueueThread(queue_name, number, options=self.options, stopping=self.stopping, once=self.once)

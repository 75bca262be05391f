"""A thread of a worker: claims the commands of one queue and carries them out.

Only this module and batch.py import mail/ and tasks/: `MailDelivery` sends messages, `execution` runs tasks.
"""

import logging
import os
import random
import socket
import threading
import time
from collections import deque
from typing import NamedTuple

from django.db import close_old_connections, connection, transaction

from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core.batch import DATABASE_ERRORS, TaskBatch
from apps.commandqueue.core.horizon import Horizon
from apps.commandqueue.core.options import WorkerOptions
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.mail import hooks
from apps.commandqueue.mail.delivery import MailDelivery
from apps.commandqueue.mail.smtp import Deadline
from apps.commandqueue.models import Kind, State
from apps.commandqueue.operate import metrics
from apps.commandqueue.tasks import execution

log = logging.getLogger(__name__)


class Done(NamedTuple):
    """A message that was sent or a task that returned: the next round trip settles it."""

    attempt: store.Attempt
    outcome: Outcome


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
        # For readiness and supervision: PostgreSQL's last answer, the end of the started command's lease, and
        # the command.
        self.answered_at = time.monotonic()
        self.lease_ends_at: float | None = None
        self.current: store.Attempt | None = None
        # Claimed and not started.
        self._claimed: deque[store.ClaimedCommand] = deque()
        self.batch = TaskBatch(self.worker_id)
        self._horizon = Horizon(queue_name)
        self._mail_paused_until = 0.0
        self._failures = 0

    def run(self) -> None:
        try:
            failed = False
            while not self.stopping.is_set():
                try:
                    if failed:
                        # Apart from the claim: if that fails again, it undoes nothing.
                        self._end_batch()
                        failed = False
                    found = self._claim()
                    if not found and self.once:
                        break
                    self._run_batch()
                    self._work_off()
                except DATABASE_ERRORS as error:
                    failed = True
                    self._wait_for_database(error)
                except Exception:
                    # A fault of the worker, not of a command. The leases of what is not batched will end.
                    failed = True
                    log.exception("thread %s: the batch failed; continuing", self.name)
                    self.stopping.wait(1)
            self._end_batch()
        finally:
            self.mail.close()
            connection.close()

    def abandon(self) -> None:
        """Give back all that is left; for the supervisor, as the process ends without this thread.

        The attempt that is under way is not counted: a deployment must not use up the attempts of a long
        task. Raises DatabaseError.
        """
        current, waiting = self.current, list(self._claimed)
        with transaction.atomic():
            self.batch.abandon()
            store.release([current.command] if current else [], counted=True, reason="cut off by a shutdown")
            store.release(waiting)

    def _claim(self) -> bool:
        """Claim the next commands, and start those that are batched; without any, wait for a moment."""
        # What is left of a batch that failed waits for its lease to end.
        self._claimed.clear()
        if self.batch.is_used():
            with transaction.atomic():
                settled = self.batch.settle()
                claimed = self._claim_from_horizon()
                others = self.batch.start(claimed)
            self.batch.report(settled)
        else:
            claimed = others = self._claim_from_horizon()
        self.answered_at = time.monotonic()
        self._claimed.extend(others)
        if not claimed and not self.once:
            self.mail.close_idle()
            close_old_connections()  # back to the pool while this thread waits
            self.stopping.wait(self.options.poll * random.uniform(0.5, 1))  # noqa: S311
        return bool(claimed)

    def _claim_from_horizon(self) -> list[store.ClaimedCommand]:
        since = self._horizon.since()
        connection.ensure_connection()  # the wait for the pool is not the claim's time
        claimed: list[store.ClaimedCommand] = []
        began_at = time.monotonic()
        try:
            claimed = store.claim(
                queue_name=self.queue_name,
                limit=self.options.batch,
                lease=self.options.lease,
                not_kinds=[Kind.MAIL] if time.monotonic() < self._mail_paused_until else [],
                since=since,
            )
        finally:
            # If it failed, too: from the beginning it may have exceeded statement_timeout.
            self._horizon.claimed(claimed, since=since, seconds=time.monotonic() - began_at)
        return claimed

    def _run_batch(self) -> None:
        """Run the batched tasks that were started, and give back those for which there is no time."""
        # The first in any case: a batch makes progress, however slow the machine is.
        is_first = True
        self.batch.until = time.monotonic() + self.options.batch_seconds
        while self.batch.started and not self.stopping.is_set():
            if not is_first and time.monotonic() >= self.batch.until:
                break
            is_first = False
            try:
                self.current = self.batch.started[0]
                self.lease_ends_at = self.batch.lease_ends_at
                self.batch.started.popleft()
            except IndexError:  # the supervisor was faster: `TaskBatch.give_back_late`
                self.current = self.lease_ends_at = None
                break
            outcome = self._execute(self.current, keeps_connection=True)
            if outcome.state == State.DONE:
                metrics.count(self.current.command, outcome)
                self.batch.done.append((self.current, outcome))
            else:
                self._settle(self.current, outcome)
            self.current = self.lease_ends_at = None
        if self.batch.started or self._claimed:
            # Another command may take its time. Otherwise the next claim follows at once, and settles.
            self._end_batch()

    def _work_off(self) -> None:
        """Carry out a batch; commands that can't be started now (stopping, mail is paused) are given back."""
        done: Done | None = None
        back: list[store.ClaimedCommand] = []
        try:
            while self._claimed:
                following = self._claimed[0]
                quota = self.mail.quota_for(following) if following.kind == Kind.MAIL else None
                if quota is not None:
                    # Waiting for the quota may take longer than the lease of what was sent.
                    self._settle_and_renew(done, None)
                    done = None
                if self.stopping.is_set() or (following.kind == Kind.MAIL and not self._may_send(quota)):
                    back.append(self._claimed.popleft())
                    continue
                attempt = self._settle_and_renew(done, following)
                self.current = attempt
                self._claimed.popleft()
                done = self._carry_out(attempt) if attempt is not None else None
                self.current = None
        finally:
            # In any case: a message that was sent and is not settled is sent again.
            self.current = None
            self._settle_and_renew(done, None)
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

    def _carry_out(self, attempt: store.Attempt) -> Done | None:
        """Make the attempt. Returns it if it was successful: then the next round trip settles it."""
        if attempt.command.kind == Kind.MAIL:
            outcome = self._deliver(attempt)
            if outcome.unreachable:
                self._failures += 1
                pause = min(self.options.longest_pause, 1 + outcomes.backoff(self._failures, base=1))
                self._mail_paused_until = time.monotonic() + pause
            else:
                self._failures = 0
        else:
            outcome = self._execute(attempt)
        if outcome.state == State.DONE:
            metrics.count(attempt.command, outcome)
            return Done(attempt, outcome)
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

    def _execute(self, attempt: store.Attempt, *, keeps_connection: bool = False) -> Outcome:
        try:
            return execution.execute(attempt, keeps_connection=keeps_connection)
        except Exception as error:
            log.exception("command %s could not be run", attempt.id)
            return outcomes.retry(str(error), attempts=attempt.number)

    def _settle_and_renew(
        self, done: Done | None, following: store.ClaimedCommand | None
    ) -> store.Attempt | None:
        """Settle what is done and start the next command; repeats while PostgreSQL is down.

        What is done must be settled before its lease ends, or it is done again.
        """
        if done is None and following is None:
            return None
        lease = self._lease(following) if following is not None else self.options.lease
        until = self.lease_ends_at if done is not None and self.lease_ends_at else time.monotonic() + lease
        may_be_settled = False
        while True:
            began_at = time.monotonic()
            try:
                was_ours, attempt = store.settle_and_renew(
                    done and done.attempt.command,
                    following,
                    worker=self.worker_id,
                    lease=lease,
                    result=done and done.outcome.result,
                )
            except DATABASE_ERRORS as error:
                self._wait_for_database(error)
                if time.monotonic() > until:
                    self.lease_ends_at = None  # no command runs: the thread does not hang
                    return None
                # Perhaps it was committed and only the reply was lost.
                may_be_settled = True
                continue
            self.answered_at = time.monotonic()
            self.lease_ends_at = began_at + lease if attempt is not None else None
            if done is not None:
                self._report(done, was_ours=was_ours or may_be_settled)
            return attempt

    def _report(self, done: Done, *, was_ours: bool) -> None:
        if not was_ours:
            log.warning("command %s was done after its lease ended: it may be done twice", done.attempt.id)
        elif done.attempt.command.kind == Kind.TASK:
            execution.send_task_finished(done.attempt, State.DONE, done.outcome)

    def _settle(self, attempt: store.Attempt, outcome: Outcome) -> None:
        """Settle any result but success; repeats while PostgreSQL is down, until the lease ends."""
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
            if command.kind == Kind.TASK and state == State.DEAD:
                execution.send_task_finished(attempt, state, outcome)
            break
        self.lease_ends_at = None

    def _end_batch(self) -> None:
        """Settle the batched tasks that are done, and give back those that were not begun.

        Repeats while PostgreSQL is down, until the lease ends.
        """
        while self.batch.done or self.batch.started:
            try:
                self.batch.report(self.batch.settle())
                self.batch.give_back()
            except DATABASE_ERRORS as error:
                self._wait_for_database(error)

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

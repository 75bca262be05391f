"""The worker: threads that carry out commands, and what watches over them."""

import logging
import os
import random
import socket
import threading
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, close_old_connections, connection

from apps.commandqueue.core import housekeeping, outcomes, store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.mail.delivery import Postman
from apps.commandqueue.mail.smtp import Deadline
from apps.commandqueue.models import Kind, Lane, State
from apps.commandqueue.operate import metrics
from apps.commandqueue.tasks import execution

log = logging.getLogger(__name__)

DATABASE_ERRORS = (DatabaseError, InterfaceError)
TICK = 0.1


@dataclass(frozen=True, slots=True)
class Pace:
    """How a worker goes about it, in seconds and commands."""

    lease: float = 60.0
    # An idle thread looks again after 0.5 to 1 of this: NOTIFY would serialise every commit of the site.
    poll: float = 0.5
    batch: int = 20
    # The longest wait before an unreachable mail server is tried again, and PostgreSQL likewise.
    longest_pause: float = 30.0
    # Attempts in a row that may be lost with their workers.
    most_unanswered: int = 3
    # Seconds that finished commands are kept for operators and `get_result`.
    keep_done: float = 604_800.0
    keep_dead: float = 7_776_000.0

    @property
    def deadline(self) -> float:
        """The time for one message: it must be over well before somebody else may take the message."""
        return self.lease * 0.75


class LaneThread(threading.Thread):
    """Carries out one lane's commands, one after the other."""

    def __init__(self, lane: str, number: int, *, pace: Pace, stopping: threading.Event, once: bool) -> None:
        super().__init__(name=f"{lane}-{number}", daemon=True)
        self.lane = lane
        self.pace = pace
        self.stopping = stopping
        self.once = once
        self.worker_id = f"{socket.gethostname()}:{os.getpid()}:{self.name}"
        self.deadline = Deadline()
        self.postman = Postman(self.deadline)
        # For readiness and the watch: when PostgreSQL answered last, when the command in hand is lost.
        self.answered_at = time.monotonic()
        self.lost_at: float | None = None
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
                    # Ours, not a command's: those are dealt with. The leases of the batch will end.
                    log.exception("thread %s goes on", self.name)
                    self.stopping.wait(1)
        finally:
            self.postman.close()
            connection.close()

    def _claim(self) -> list[store.Claimed]:
        """The next commands; none after having waited for a moment."""
        not_kinds = [Kind.MAIL] if time.monotonic() < self._mail_paused_until else []
        batch = store.claim(lane=self.lane, limit=self.pace.batch, lease=self.pace.lease, not_kinds=not_kinds)
        self.answered_at = time.monotonic()
        if not batch and not self.once:
            self.postman.close_idle()
            close_old_connections()  # a pool's goes back: others need it while we wait
            self.stopping.wait(self.pace.poll * random.uniform(0.5, 1))  # noqa: S311
        return batch

    def _work_off(self, batch: Sequence[store.Claimed]) -> None:
        """Carry out what was claimed; what can't be begun (we stop, mail has to wait) is given back."""
        sent: store.Claimed | None = None
        back: list[store.Claimed] = []
        try:
            for following in batch:
                if following.kind == Kind.MAIL and self.postman.is_limited(following):
                    # The wait for its turn may be long.
                    self._finish(sent)
                    sent = None
                if self.stopping.is_set() or (following.kind == Kind.MAIL and not self._may_send(following)):
                    back.append(following)
                    continue
                held = self._advance(sent, following)
                sent = self._carry_out(held) if held is not None else None
        finally:
            # Whatever happens: what went out and is not written down goes out again.
            self._finish(sent)
        store.release(back)

    def _may_send(self, command: store.Claimed) -> bool:
        """Whether mail may go out now, or its server is out of reach or has had enough of us."""
        while time.monotonic() >= self._mail_paused_until:
            seconds = self.postman.wait_for_allowance(command)
            if not seconds:
                return True
            if seconds > 1:
                self._mail_paused_until = time.monotonic() + min(seconds, self.pace.longest_pause)
            else:
                close_old_connections()
                if self.stopping.wait(seconds):
                    break
        return False

    def _carry_out(self, held: store.Held) -> store.Claimed | None:
        """One attempt. Returns the command if it went out and is settled with the next step."""
        if held.claimed.kind == Kind.MAIL:
            close_old_connections()  # a mail server may take its time
            outcome = self.postman.deliver(held, seconds=self.pace.deadline)
            if outcome.unreachable:
                self._failures += 1
                pause = min(self.pace.longest_pause, 1 + outcomes.backoff(self._failures, base=1))
                self._mail_paused_until = time.monotonic() + pause
            else:
                self._failures = 0
            if outcome.state == State.DONE:
                metrics.count(held, outcome)
                return held.claimed
        else:
            outcome = self._execute(held)
        self._settle(held, outcome)
        return None

    def _execute(self, held: store.Held) -> Outcome:
        try:
            return execution.execute(held)
        except Exception as error:
            log.exception("command %s could not be run", held.id)
            return outcomes.later(str(error), attempts=held.attempts)

    def _advance(self, sent: store.Claimed | None, following: store.Claimed | None) -> store.Held | None:
        """Settle what went out and begin the next one; insists while PostgreSQL is away.

        What went out must be written down as long as its lease lasts, or it goes out again.
        """
        lease = self._lease(following) if following is not None else self.pace.lease
        until = self.lost_at if sent is not None and self.lost_at else time.monotonic() + lease
        may_be_done = False
        while True:
            asked_at = time.monotonic()
            try:
                was_ours, held = store.advance(sent, following, worker=self.worker_id, lease=lease)
            except DATABASE_ERRORS as error:
                self._wait_for_database(error)
                if time.monotonic() > until:
                    return None
                # Only the answer may have been lost.
                may_be_done = True
                continue
            if not was_ours and not may_be_done:
                log.warning("command %s went out after its lease: it may go out twice", sent and sent.id)
            self.answered_at = time.monotonic()
            self.lost_at = asked_at + lease if held is not None else None
            return held

    def _finish(self, sent: store.Claimed | None) -> None:
        if sent is not None:
            self._advance(sent, None)

    def _settle(self, held: store.Held, outcome: Outcome) -> None:
        """Write down how it ended; insists while PostgreSQL is away, as long as the lease lasts."""
        while self.lost_at is not None and time.monotonic() < self.lost_at:
            try:
                state = store.settle(held.claimed, outcome)
            except DATABASE_ERRORS as error:
                self._wait_for_database(error)
                continue
            self.answered_at = time.monotonic()
            metrics.count(held, outcome)
            if state is None:
                log.warning("command %s ended after its lease had gone", held.id)
            elif outcome.error is not None:
                log.warning("command %s: %s: %s", held.id, state, outcomes.loggable(outcome.error))
            if held.claimed.kind == Kind.TASK and state in (State.DONE, State.DEAD):
                execution.announce(held)
            break
        self.lost_at = None

    def _lease(self, command: store.Claimed) -> float:
        if command.kind == Kind.MAIL:
            return self.pace.lease
        try:
            return execution.time_limit(command)
        except Exception:  # its backend is gone from the settings: `_execute` says so
            return self.pace.lease

    def _wait_for_database(self, error: Exception) -> None:
        log.warning("PostgreSQL: %s", str(error).strip() or type(error).__name__)
        connection.close()
        self.stopping.wait(random.uniform(0.1, 1))  # noqa: S311
        if self.stopping.is_set():
            time.sleep(0.1)  # what is in hand is still to be settled


class Worker:
    """All the threads of one process."""

    def __init__(
        self,
        *,
        lanes: Iterable[str] = tuple(Lane.values),
        threads: int = 1,
        pace: Pace | None = None,
        once: bool = False,
    ) -> None:
        """``threads`` is for each lane."""
        self.pace = pace or Pace()
        self.once = once
        self.stopping = threading.Event()
        self.threads = [self._thread(lane, number) for lane in lanes for number in range(1, threads + 1)]
        self.housekeeper = housekeeping.Housekeeper(self.pace, self.stopping)
        self._replaced = 0

    def run(self) -> int:
        """Work until `stop` (or, with ``once``, until nothing is due); returns the exit code."""
        if self.once:
            self.housekeeper.tidy()
        else:
            self.housekeeper.start()
        for thread in self.threads:
            thread.start()
        give_up_at: float | None = None
        while alive := [thread for thread in self.threads if thread.is_alive()]:
            alive[0].join(TICK)
            self._watch()
            if self.stopping.is_set():
                give_up_at = give_up_at or time.monotonic() + self.pace.lease
                if time.monotonic() > give_up_at:
                    log.error("stopping with a command in hand: it will be begun again when its lease ends")
                    return 1
        return 1 if self._replaced > len(self.threads) else 0

    def stop(self) -> None:
        """Finish what is in hand and take nothing new."""
        self.stopping.set()

    def is_ready(self) -> bool:
        """Whether every thread is at work and has had an answer from PostgreSQL within its lease."""
        now = time.monotonic()
        return not self.stopping.is_set() and all(
            thread.is_alive() and (thread.lost_at or thread.answered_at + 10) > now for thread in self.threads
        )

    def _watch(self) -> None:
        """Break off what takes too long; replace threads that do not come back from a task."""
        for place, thread in enumerate(self.threads):
            thread.deadline.enforce()
            lost_at = thread.lost_at
            if lost_at is None or time.monotonic() < lost_at + self.pace.lease or self.stopping.is_set():
                continue
            log.error("thread %s does not come back: another takes its place", thread.name)
            self._replaced += 1
            self.threads[place] = self._thread(thread.lane, 100 + self._replaced)
            self.threads[place].start()
        if self._replaced > len(self.threads):
            # A process full of threads that hang is of no use: whoever supervises us starts another.
            self.stop()

    def _thread(self, lane: str, number: int) -> LaneThread:
        return LaneThread(lane, number, pace=self.pace, stopping=self.stopping, once=self.once)

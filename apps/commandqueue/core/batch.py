"""Batched tasks: those of one claim are started in its transaction, and settled in that of the next claim."""

import contextlib
import logging
import time
from collections import deque
from collections.abc import Sequence

from django.db import DatabaseError, InterfaceError

from apps.commandqueue.core import store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.models import Kind, State
from apps.commandqueue.tasks import execution

log = logging.getLogger(__name__)

DATABASE_ERRORS = (DatabaseError, InterfaceError)
# So many seconds after its time a batch that is still in a task has those not begun given back.
LATE = 1.0


class TaskBatch:
    """The batched tasks of a thread's claim: those that are started, and those that are done.

    Its transactions cost what those of one task cost. The price: if the worker is killed, all that are done
    and not settled run again, and an attempt of each is lost. Then each is started by itself, so that a task
    that crashes its worker uses up no more attempts of the others.
    """

    def __init__(self, worker_id: str) -> None:
        self.worker_id = worker_id
        self.started: deque[store.Attempt] = deque()
        self.done: list[tuple[store.Attempt, Outcome]] = []
        self.lease_ends_at = 0.0
        # When no more is begun.
        self.until = 0.0
        # Taken out of `started`, and not given back yet.
        self._late: list[store.Attempt] = []
        self._may_be_settled = False

    def is_used(self) -> bool:
        """Whether the next claim needs a transaction with other statements."""
        return bool(self.done) or execution.any_is_batched()

    def start(self, claimed: Sequence[store.ClaimedCommand]) -> list[store.ClaimedCommand]:
        """Start those of the claimed commands that are batched; returns the others."""
        batched = [command for command in claimed if _is_batched(command)]
        self.started.clear()
        if batched:
            lease = max(execution.time_limit(command) for command in batched)
            self.lease_ends_at = self.until = time.monotonic() + lease
            self.started.extend(store.start_batch(batched, worker=self.worker_id, lease=lease))
        ids = {command.id for command in batched}
        return [command for command in claimed if command.id not in ids]

    def settle(self) -> set[int]:
        """Settle what is done; returns the ids of those whose lease was ours. `report` follows the commit."""
        if not self.done or time.monotonic() > self.lease_ends_at:
            return set()
        done = [(attempt.command, outcome.result) for attempt, outcome in self.done]
        before, self._may_be_settled = self._may_be_settled, True
        settled = store.settle_batch(done)
        return {command.id for command, _ in done} if before else settled

    def report(self, settled: set[int]) -> None:
        """What was done is settled, or its lease has ended: log it, and send Django's signal."""
        done, self.done, self._may_be_settled = self.done, [], False
        for attempt, outcome in done:
            if attempt.id in settled:
                execution.send_task_finished(attempt, State.DONE, outcome)
            else:
                log.warning("command %s was done after its lease ended: it may be done twice", attempt.id)

    def give_back(self) -> None:
        """Give back what was started and not begun, unless the lease has ended; no attempt is counted."""
        if time.monotonic() <= self.lease_ends_at:
            _release(list(self.started))
        self.started.clear()

    def is_late(self) -> bool:
        """Whether a task takes so long that those not begun are to be given back."""
        return bool(self._late or (self.started and time.monotonic() > self.until + LATE))

    def give_back_late(self) -> None:
        """As `give_back`, for the supervisor, which repeats it if it raises DatabaseError.

        Each is taken out first, so that it is not begun meanwhile.
        """
        if not self._late:
            with contextlib.suppress(IndexError):
                while True:
                    self._late.append(self.started.pop())
        _release(self._late)
        self._late.clear()

    def abandon(self) -> None:
        """Settle and give back all, from another thread than the batch's."""
        if self.done:
            store.settle_batch([(attempt.command, outcome.result) for attempt, outcome in self.done])
        _release(list(self.started))
        _release(self._late)


def _release(started: Sequence[store.Attempt]) -> None:
    store.release([attempt.command for attempt in started], counted=True)


def _is_batched(command: store.ClaimedCommand) -> bool:
    try:
        return command.kind == Kind.TASK and execution.may_be_batched(command)
    except Exception:  # its backend is not in the settings: its own attempt reports it
        return False

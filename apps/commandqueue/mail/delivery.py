"""Mail commands: one attempt to deliver one message."""

from collections.abc import Mapping

from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.mail.backend import QueueEmailBackend
from apps.commandqueue.mail.rendering import Stored
from apps.commandqueue.mail.smtp import Broken, Deadline, Line, Recipients, Refusal, Reply, Unreachable
from apps.commandqueue.models import State


class Postman:
    """Delivers for one thread, over connections that stay open from message to message."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._queues: dict[str, QueueEmailBackend] = {}
        self._mailers: dict[str, BaseEmailBackend] = {}
        self._lines: dict[str, Line] = {}

    def wait_for_allowance(self, command: store.Claimed) -> float:
        """Take the message's share of its mailer's cap and rate; returns 0, or seconds to wait first."""
        if not self.is_limited(command):
            return 0.0
        queue = self._queue(command.backend)
        return store.admit(
            mailer=queue.mailer, share=command.recipients, cap=queue.cap_of(command.lane), pause=queue.pause
        )

    def is_limited(self, command: store.Claimed) -> bool:
        """Whether its mailer has a cap or a rate."""
        try:
            return self._queue(command.backend).is_limited
        except Exception:
            # Its mailer is gone from the settings, or wrong in them: `deliver` says so.
            return False

    def deliver(self, held: store.Held, *, seconds: float) -> Outcome:
        """Send a message within so many seconds; returns what became of it."""
        self.deadline.start(seconds)
        try:
            queue = self._queue(held.claimed.backend)
            mailer = self._mailer(queue.mailer)
            if isinstance(mailer, EmailBackend):
                return self._deliver_by_smtp(held, queue.mailer, mailer)
            sent = mailer.send_messages([Stored(held.sender, held.recipients, held.body)])
            if not sent:
                return outcomes.later("the mailer took nothing", attempts=held.attempts)
            return outcomes.done()
        except Unreachable as error:
            return outcomes.later(str(error), attempts=held.attempts, unreachable=True)
        except Exception as error:
            # Whatever a mailer raises, its message is not lost.
            return outcomes.later(f"{type(error).__name__}: {error}", attempts=held.attempts)
        finally:
            self.deadline.stop()

    def close_idle(self) -> None:
        """Hang up on servers that have had nothing to do for some seconds."""
        for line in self._lines.values():
            line.close_idle()

    def close(self) -> None:
        """Hang up."""
        for line in self._lines.values():
            line.close()

    def _deliver_by_smtp(self, held: store.Held, alias: str, mailer: EmailBackend) -> Outcome:
        line = self._lines.setdefault(alias, Line(mailer, self.deadline))
        try:
            refused: Mapping[str, Reply] = line.send(held.sender, held.recipients, held.body)
        except Broken as error:
            return outcomes.later(str(error), attempts=held.attempts)
        except Recipients as error:
            refused = error.refused
        except Refusal as error:
            if error.reply.is_permanent:
                return outcomes.dead(str(error))
            return outcomes.later(str(error), attempts=held.attempts)
        return _by_recipient(held, refused)

    def _queue(self, alias: str) -> QueueEmailBackend:
        if alias not in self._queues:
            queue = mailers[alias]
            if not isinstance(queue, QueueEmailBackend):
                raise TypeError(f"MAILERS[{alias!r}] is not the queue's any more")
            self._queues[alias] = queue
        return self._queues[alias]

    def _mailer(self, alias: str) -> BaseEmailBackend:
        if alias not in self._mailers:
            self._mailers[alias] = mailers[alias]
        return self._mailers[alias]


def _by_recipient(held: store.Held, replies: Mapping[str, Reply]) -> Outcome:
    """What is left to do after these refusals; whoever is not among them has the message."""
    never = {to: str(reply) for to, reply in replies.items() if reply.is_permanent}
    again = [to for to in replies if to not in never]
    if again:
        reason = f"{len(again)} recipients put off: {replies[again[0]]}"
        return Outcome(
            State.WAITING,
            delay=outcomes.backoff(held.attempts),
            error={"reason": reason},
            recipients=again,
            refused=never,
        )
    refused = held.refused | never
    if refused:
        reason = f"{len(refused)} recipients refused: {next(reversed(refused.values()))}"
        return Outcome(State.DEAD, error={"reason": reason}, recipients=list(refused), refused=never)
    return outcomes.done()

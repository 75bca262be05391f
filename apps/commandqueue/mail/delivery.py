"""Mail commands: one attempt to deliver one message."""

from collections.abc import Mapping

from django.core.mail import mailers
from django.core.mail.backends.base import BaseEmailBackend
from django.core.mail.backends.smtp import EmailBackend

from apps.commandqueue.core import outcomes, store
from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.mail.backend import QueueEmailBackend
from apps.commandqueue.mail.rendering import StoredMessage
from apps.commandqueue.mail.smtp import (
    AllRecipientsRefused,
    ConnectionLost,
    ContentRefused,
    Deadline,
    MessageRefused,
    Reply,
    ServerUnreachable,
    SmtpConnection,
)
from apps.commandqueue.models import State


class MailDelivery:
    """Delivers the messages of one thread, over SMTP connections that stay open between messages."""

    def __init__(self, deadline: Deadline) -> None:
        self.deadline = deadline
        self._backends: dict[str, BaseEmailBackend] = {}
        self._connections: dict[str, SmtpConnection] = {}

    def quota_for(self, command: store.ClaimedCommand) -> store.QuotaRequest | None:
        """What to take of the mailer's quota for this message; None if the mailer has no cap and no rate."""
        try:
            queue = self._queue(command.backend)
        except Exception:  # not in the settings any more, or wrong there: `deliver` reports it
            return None
        if not queue.is_limited:
            return None
        return store.QuotaRequest(
            mailer=queue.mailer,
            share=command.recipients,
            cap=queue.cap_of(command.queue_name),
            pause=queue.pause,
        )

    def deliver(self, attempt: store.Attempt, *, seconds: float) -> Outcome:
        """Try to send a message within so many seconds; returns the outcome, and raises nothing."""
        self.deadline.start(seconds)
        try:
            queue = self._queue(attempt.command.backend)
            mailer = self._backend(queue.mailer)
            if isinstance(mailer, EmailBackend):
                return self._deliver_by_smtp(attempt, queue.mailer, mailer)
            sent = mailer.send_messages([StoredMessage(attempt.sender, attempt.recipients, attempt.body)])
            if not sent:
                return outcomes.retry("the mailer sent nothing", attempts=attempt.number)
            return outcomes.done()
        except ServerUnreachable as error:
            return outcomes.retry(str(error), attempts=attempt.number, unreachable=True)
        except Exception as error:
            # Whatever a mailer raises, the message is retried.
            return outcomes.retry(f"{type(error).__name__}: {error}", attempts=attempt.number)
        finally:
            self.deadline.stop()

    def close_idle(self) -> None:
        """Close connections that have been idle for some seconds."""
        for smtp in self._connections.values():
            smtp.close_idle()

    def close(self) -> None:
        """Close all connections."""
        for smtp in self._connections.values():
            smtp.close()

    def _deliver_by_smtp(self, attempt: store.Attempt, alias: str, mailer: EmailBackend) -> Outcome:
        smtp = self._connections.setdefault(alias, SmtpConnection(mailer, self.deadline))
        try:
            refused: Mapping[str, Reply] = smtp.send(attempt.sender, attempt.recipients, attempt.body)
        except ConnectionLost as error:
            return outcomes.retry(str(error), attempts=attempt.number)
        except AllRecipientsRefused as error:
            refused = error.refused
        except MessageRefused as error:
            if not error.reply.is_permanent:
                return outcomes.retry(str(error), attempts=attempt.number)
            if isinstance(error, ContentRefused):
                # Some servers reject a recipient only after the message: then it is the same for all.
                return outcomes.dead(str(error), refused=dict.fromkeys(attempt.recipients, str(error)))
            return outcomes.dead(str(error))
        return _by_recipient(attempt, refused)

    def _queue(self, alias: str) -> QueueEmailBackend:
        queue = self._backend(alias)
        if not isinstance(queue, QueueEmailBackend):
            raise TypeError(f"MAILERS[{alias!r}] is not a QueueEmailBackend")
        return queue

    def _backend(self, alias: str) -> BaseEmailBackend:
        if alias not in self._backends:
            self._backends[alias] = mailers[alias]
        return self._backends[alias]


def _by_recipient(attempt: store.Attempt, replies: Mapping[str, Reply]) -> Outcome:
    """The outcome of a message that some recipients were refused; all others have received it."""
    permanent = {to: str(reply) for to, reply in replies.items() if reply.is_permanent}
    deferred = [to for to in replies if to not in permanent]
    if deferred:
        reason = f"{len(deferred)} recipients deferred: {replies[deferred[0]]}"
        return Outcome(
            State.WAITING,
            delay=outcomes.backoff(attempt.number),
            error={"reason": reason},
            recipients=deferred,
            refused=permanent,
        )
    refused = attempt.refused | permanent
    if refused:
        reason = f"{len(refused)} recipients refused: {next(reversed(refused.values()))}"
        return Outcome(State.DEAD, error={"reason": reason}, recipients=list(refused), refused=permanent)
    return outcomes.done()

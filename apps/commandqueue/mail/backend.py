"""The mail backend for MAILERS, Django 6.1's setting: sending is one INSERT in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, InvalidMailer
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from apps.commandqueue.core import statements
from apps.commandqueue.mail.rendering import RenderedMessage, options_of, render
from apps.commandqueue.models import Queue

EXPIRES_AFTER = {Queue.NOW: 3_600.0, Queue.DEFAULT: 172_800.0, Queue.BULK: 172_800.0}
NO_CAP = 2**31 - 1

_ROWS_PER_STATEMENT = 100


class QueueEmailBackend(BaseEmailBackend):
    """Puts messages into the queue; a worker sends them by another mailer.

    OPTIONS: ``mailer``, the alias in MAILERS that the worker sends by; ``queue_name``, for messages without
    one; ``expires_after``, seconds by queue; ``rate``, messages a second, and ``daily_cap``, recipients a day
    (UTC), for providers that limit them; ``daily_reserve``, the part of the cap that is reserved for the
    queue "now".
    """

    alias: str | None

    def __init__(
        self,
        *,
        mailer: str = "",
        queue_name: str = Queue.DEFAULT,
        expires_after: Mapping[str, float] | None = None,
        rate: float = 0,
        daily_cap: int = 0,
        daily_reserve: int = 0,
        **kwargs: Any,
    ) -> None:
        """Raises InvalidMailer for an unknown mailer, queue or option."""
        super().__init__(**kwargs)
        alias = self.alias or ""
        if not mailer or mailer == alias or mailer not in settings.MAILERS:
            raise InvalidMailer("OPTIONS['mailer'] must be another alias of MAILERS.", alias=alias)
        unknown = {queue_name, *(expires_after or {})} - set(Queue.values)
        if unknown:
            raise InvalidMailer(f"Unknown queues {sorted(unknown)}; there are {Queue.values}.", alias=alias)
        self.mailer = mailer
        self.queue_name = queue_name
        self.expires_after = EXPIRES_AFTER | dict(expires_after or {})
        self.pause = 1 / rate if rate else 0.0
        self.daily_cap = daily_cap or NO_CAP
        self.daily_reserve = daily_reserve
        self.is_limited = bool(rate or daily_cap)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Enqueue each message that has recipients; returns how many.

        Raises ValueError for an invalid header or address, before anything is enqueued; DatabaseError.
        """
        rows = [self._row(message) for message in email_messages if message.recipients()]
        self.insert(rows)
        return len(rows)

    def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Insert rows (see `row`) in the caller's transaction. Raises DatabaseError."""
        if len(rows) == 1:
            statements.run("enqueue_mail", rows[0])
            return
        head, _values, row = statements.SQL.statement("enqueue_mail").text.partition("VALUES")
        for start in range(0, len(rows), _ROWS_PER_STATEMENT):
            with connection.cursor() as cursor:
                chunk = rows[start : start + _ROWS_PER_STATEMENT]
                values = ", ".join(cursor.mogrify(row, parameters).decode() for parameters in chunk)
                # Without parameters, as a percent sign in a message is not a placeholder.
                cursor.execute(head + "VALUES" + values)

    def cap_of(self, queue_name: str) -> int:
        """The part of the daily cap that a queue may use."""
        return self.daily_cap if queue_name == Queue.NOW else self.daily_cap - self.daily_reserve

    def _row(self, message: EmailMessage) -> dict[str, Any]:
        options = options_of(message)
        queue_name = options.queue_name or self.queue_name
        lifetime = options.expires_after or timedelta(seconds=self.expires_after[queue_name])
        return self.row(
            render(message),
            queue_name=queue_name,
            priority=options.priority,
            secret=options.secret,
            lifetime=lifetime.total_seconds(),
        )

    def row(
        self, mail: RenderedMessage, *, queue_name: str, priority: int, secret: bool, lifetime: float
    ) -> dict[str, Any]:
        """The parameters of one row; times in seconds."""
        return {
            "queue_name": queue_name,
            "backend": self.alias or "",
            "priority": priority,
            "secret": secret,
            "lifetime": lifetime,
            "message_id": mail.message_id,
            "sender": mail.sender,
            "recipients": mail.recipients,
            "body": mail.body,
        }

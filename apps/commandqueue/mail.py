"""The mail backend for MAILERS: sending is one INSERT in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, InvalidMailer
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from apps.commandqueue import statements
from apps.commandqueue.messages import Rendered, handling_of, render
from apps.commandqueue.models import Lane

EXPIRES_AFTER = {Lane.NOW: 3_600.0, Lane.DEFAULT: 172_800.0, Lane.BULK: 172_800.0}
NO_CAP = 2**31 - 1

_ROWS_A_STATEMENT = 100


class QueueEmailBackend(BaseEmailBackend):
    """Puts messages into the queue; a worker sends them by another mailer.

    OPTIONS: ``mailer``, the alias in MAILERS that really sends; ``lane`` for messages that name none;
    ``expires_after``, seconds by lane; ``rate``, messages a second, and ``daily_cap``, recipients a day
    (UTC), for providers that ask for them; ``daily_reserve``, the part of the cap kept for the lane "now".
    """

    alias: str | None

    def __init__(
        self,
        *,
        mailer: str = "",
        lane: str = Lane.DEFAULT,
        expires_after: Mapping[str, float] | None = None,
        rate: float = 0,
        daily_cap: int = 0,
        daily_reserve: int = 0,
        **kwargs: Any,
    ) -> None:
        """Raises InvalidMailer for a mailer that is not there, a lane that is none, an unknown option."""
        super().__init__(**kwargs)
        alias = self.alias or ""
        if not mailer or mailer == alias or mailer not in settings.MAILERS:
            raise InvalidMailer("OPTIONS['mailer'] must be another alias of MAILERS.", alias=alias)
        unknown = {lane, *(expires_after or {})} - set(Lane.values)
        if unknown:
            raise InvalidMailer(f"There is no lane {sorted(unknown)}.", alias=alias)
        self.queue = alias
        self.mailer = mailer
        self.lane = lane
        self.expires_after = EXPIRES_AFTER | dict(expires_after or {})
        self.pause = 1 / rate if rate else 0.0
        self.daily_cap = daily_cap or NO_CAP
        self.daily_reserve = daily_reserve
        self.is_limited = bool(rate or daily_cap)

    def send_messages(self, email_messages: Sequence[EmailMessage]) -> int:
        """Enqueue each message that has recipients; returns how many.

        Raises ValueError for a header or address that can't be, before anything is enqueued; DatabaseError.
        """
        rows = [self._row(message) for message in email_messages if message.recipients()]
        self.insert(rows)
        return len(rows)

    def insert(self, rows: Sequence[dict[str, Any]]) -> None:
        """Put rows (see `row`) into the queue, in the caller's transaction. Raises DatabaseError."""
        if len(rows) == 1:
            statements.run("enqueue_mail", rows[0])
            return
        head, _values, row = statements.SQL.statement("enqueue_mail").text.partition("VALUES")
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            with connection.cursor() as cursor:
                chunk = rows[start : start + _ROWS_A_STATEMENT]
                values = ", ".join(cursor.mogrify(row, parameters).decode() for parameters in chunk)
                # Percent signs in it are people's, not placeholders: it is complete.
                cursor.execute(head + "VALUES" + values)

    def cap_of(self, lane: str) -> int:
        """How much of the daily cap a lane may use up."""
        return self.daily_cap if lane == Lane.NOW else self.daily_cap - self.daily_reserve

    def _row(self, message: EmailMessage) -> dict[str, Any]:
        handling = handling_of(message)
        lane = handling.lane or self.lane
        lifetime = handling.expires_after or timedelta(seconds=self.expires_after[lane])
        return self.row(
            render(message),
            lane=lane,
            priority=handling.priority,
            secret=handling.secret,
            lifetime=lifetime.total_seconds(),
        )

    def row(
        self, mail: Rendered, *, lane: str, priority: int, secret: bool, lifetime: float
    ) -> dict[str, Any]:
        """The parameters of one row; times in seconds."""
        return {
            "lane": lane,
            "backend": self.queue,
            "priority": priority,
            "secret": secret,
            "lifetime": lifetime,
            "message_id": mail.message_id,
            "sender": mail.sender,
            "recipients": mail.recipients,
            "body": mail.body,
        }

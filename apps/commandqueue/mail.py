"""The mail backend for MAILERS: sending is one INSERT in the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage, InvalidMailer
from django.core.mail.backends.base import BaseEmailBackend
from django.db import connection

from apps.commandqueue.messages import Rendered, handling_of, render
from apps.commandqueue.models import Lane

EXPIRES_AFTER = {Lane.NOW: 3_600.0, Lane.DEFAULT: 172_800.0, Lane.BULK: 172_800.0}
NO_CAP = 2**31 - 1

_INSERT = """
    INSERT INTO commandqueue_command (
        kind, lane, backend, priority, secret, run_after, due_at, expires_at, message_id, sender, recipients,
        body
    ) VALUES
"""
_ROW = """(
    'mail', %s, %s, %s, %s,
    CASE WHEN %s > 0 THEN statement_timestamp() + make_interval(secs => %s) END,
    statement_timestamp() + make_interval(secs => %s), statement_timestamp() + make_interval(secs => %s),
    %s, %s, %s, %s
)"""
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
        for start in range(0, len(rows), _ROWS_A_STATEMENT):
            chunk = rows[start : start + _ROWS_A_STATEMENT]
            values = [value for row in chunk for value in row]
            with connection.cursor() as cursor:
                cursor.execute(_INSERT + ", ".join([_ROW] * len(chunk)), values)
        return len(rows)

    def cap_of(self, lane: str) -> int:
        """How much of the daily cap a lane may use up."""
        return self.daily_cap if lane == Lane.NOW else self.daily_cap - self.daily_reserve

    def _row(self, message: EmailMessage) -> list[Any]:
        handling = handling_of(message)
        lane = handling.lane or self.lane
        delay = handling.delay.total_seconds()
        lifetime = handling.expires_after or timedelta(seconds=self.expires_after[lane])
        return self.row(
            render(message),
            lane=lane,
            priority=handling.priority,
            secret=handling.secret,
            delay=delay,
            lifetime=lifetime.total_seconds(),
        )

    def row(
        self, mail: Rendered, *, lane: str, priority: int, secret: bool, delay: float, lifetime: float
    ) -> list[Any]:
        """The parameters of one row."""
        return [
            lane, self.queue, priority, secret, delay, delay, delay, delay + lifetime,
            mail.message_id, mail.sender, mail.recipients, mail.body,
        ]  # fmt: skip

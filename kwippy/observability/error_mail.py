"""Error mail to ADMINS. It bypasses the command queue: it must work without PostgreSQL."""

import logging
import time
from copy import copy
from typing import Any

from django.conf import settings
from django.core.mail import EmailMessage
from django.db import connection
from django.utils.log import AdminEmailHandler

from apps.commandqueue.mail.headers import as_header_text
from kwippy.errors import DOWN
from kwippy.observability.request_log import without_secrets

# Seconds between two mails of one process about the same kind of error.
PAUSE = 60.0
# Kinds of errors that a process counts at most; beyond that the oldest is dropped.
MOST_KINDS = 500

# The alias in MAILERS; it delivers at once.
MAILER = "direct"

type Kind = tuple[str, str]


class ErrorMailHandler(AdminEmailHandler):
    """Mails the first error of a kind, then at most one a minute, with the number of those left out.

    A kind is an exception and a route. While PostgreSQL is down every request fails: that is one kind for
    all routes. A mail server can be slow, so the request's connection is checked in first.
    """

    def __init__(self) -> None:
        super().__init__(using=MAILER)
        self.setLevel(logging.ERROR)
        # By kind: the time of the last mail, and the number of errors left out since.
        # Guarded by the handler's lock, which `emit` holds.
        self._mailed: dict[Kind, tuple[float, int]] = {}
        self._left_out = 0

    def emit(self, record: logging.LogRecord) -> None:
        if not self._admit(_kind(record)):
            return
        if not connection.in_atomic_block:
            connection.close()
        try:
            super().emit(_without_request(record))
        except Exception:  # the mail server failed; the request still gets its response
            self.handleError(record)

    def format_subject(self, subject: str) -> str:
        """One line. The subject holds the requested path, which can contain encoded words (=?utf-8?q?…?=)."""
        return as_header_text(subject)

    def send_mail(self, subject: Any, message: Any, *args: Any, **kwargs: Any) -> None:
        if self._left_out:
            message = f"{self._left_out} more errors of this kind since the last mail.\n\n{message}"
        prefixed = f"{settings.EMAIL_SUBJECT_PREFIX}{subject}"
        mail = EmailMessage(prefixed, message, settings.SERVER_EMAIL, settings.ADMINS)
        mail.extra_headers = {"Auto-Submitted": "auto-generated"}
        mail.send(using=MAILER)

    def _admit(self, kind: Kind) -> bool:
        now = time.monotonic()
        before, left_out = self._mailed.get(kind, (-PAUSE, 0))
        if now - before < PAUSE:
            self._mailed[kind] = before, left_out + 1
            return False
        self._mailed.pop(kind, None)  # moves it to the end, which is the newest
        self._mailed[kind] = now, 0
        self._left_out = left_out
        if len(self._mailed) > MOST_KINDS:
            del self._mailed[next(iter(self._mailed))]
        return True


def _kind(record: logging.LogRecord) -> Kind:
    exception = record.exc_info[0] if record.exc_info else None
    if exception is not None and issubclass(exception, DOWN):
        return "database", ""
    name = f"{exception.__module__}.{exception.__qualname__}" if exception else str(record.msg)
    match = getattr(getattr(record, "request", None), "resolver_match", None)
    return name, match.route if match else ""


def _without_request(record: logging.LogRecord) -> logging.LogRecord:
    """The record without the form, cookies and query string, which Django would put into the mail."""
    bare = copy(record)
    request = bare.__dict__.pop("request", None)
    if request is not None:
        bare.msg, bare.args = "%s %s", (request.method, without_secrets(request.path))
    return bare

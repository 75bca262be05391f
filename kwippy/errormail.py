"""Mail about errors to ADMINS, past the queue: it must work when PostgreSQL does not."""

import logging
import threading
import time
from copy import copy

from django.db import connection
from django.utils.log import AdminEmailHandler

from kwippy.errors import DOWN
from kwippy.logs import without_secrets

# Seconds between two mails of one process about PostgreSQL.
PAUSE = 60.0


class ErrorMailHandler(AdminEmailHandler):
    """Mails each error; where PostgreSQL is away, and every request is one, the first and then one a minute.

    The mail server may take its time, so the request's connection goes back to the pool before.
    """

    def __init__(self) -> None:
        super().__init__(using="direct")
        self.setLevel(logging.ERROR)
        self._lock_of_pause = threading.Lock()
        self._silent_until = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        if kind is not None and issubclass(kind, DOWN) and self._is_pausing():
            return
        if not connection.in_atomic_block:
            connection.close()
        super().emit(_without_request(record))

    def _is_pausing(self) -> bool:
        with self._lock_of_pause:
            now = time.monotonic()
            if now < self._silent_until:
                return True
            self._silent_until = now + PAUSE
            return False


def _without_request(record: logging.LogRecord) -> logging.LogRecord:
    """The record without the form, the cookies and the query that Django would put into the mail."""
    bare = copy(record)
    request = bare.__dict__.pop("request", None)
    if request is not None:
        bare.msg, bare.args = "%s %s", (request.method, without_secrets(request.path))
    return bare

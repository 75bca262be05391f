"""Mail about errors to ADMINS, past the queue: it must work when PostgreSQL does not."""

import logging
import threading
import time

from django.db import connection
from django.utils.log import AdminEmailHandler

from kwippy.errors import DOWN

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
        super().emit(record)

    def _is_pausing(self) -> bool:
        with self._lock_of_pause:
            now = time.monotonic()
            if now < self._silent_until:
                return True
            self._silent_until = now + PAUSE
            return False

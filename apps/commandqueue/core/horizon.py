"""Where claims begin in their index, so that they skip the entries of dead rows."""

import datetime
import time

from django.db import DatabaseError
from django.utils import timezone

from apps.commandqueue.core import store

# Seconds between two looks for the oldest waiting command.
LOOK = 0.25
# A claim from the beginning of the index may take this part of the time.
SHARE = 1 / 30
# But commands that appear late wait no longer than this, in seconds.
LONGEST_PAUSE = 5.0
# The others begin at least this before the look, as oldest.sql: nearly all that is enqueued commits within
# it, and they read the entries of dead rows since. What commits later waits for a claim from the beginning.
COMMITTED_AFTER = datetime.timedelta(seconds=1)
# Where they begin if the first look fails.
WITHOUT_A_LOOK = datetime.timedelta(seconds=10)


class Horizon:
    """When the oldest waiting command of a thread's queue became due.

    While any transaction holds an old snapshot (pg_dump, a forgotten session), the index keeps an entry for
    each command that was ever claimed since, and a claim from its beginning reads them all. Most claims begin
    at the oldest command instead. Commands can appear before it: enqueued by a transaction that committed
    late, or given back. So a claim begins at the beginning whenever that takes little of the time: always if
    it is fast, every few seconds if there are a million dead entries.
    """

    def __init__(self, queue_name: str) -> None:
        self.queue_name = queue_name
        self._oldest: datetime.datetime | None = None
        self._look_at = 0.0
        self._claim_all_at = 0.0

    def since(self) -> datetime.datetime | None:
        """Where the next claim is to begin; None is the beginning. Raises DatabaseError."""
        now = time.monotonic()
        if now >= self._claim_all_at:
            return None
        if now >= self._look_at:
            try:
                self._oldest = store.oldest(self.queue_name, self._oldest)
            except DatabaseError:
                # The first look reads all entries too, and may exceed statement_timeout: then new commands
                # at least are claimed.
                self._oldest = self._oldest or timezone.now() - WITHOUT_A_LOOK
                raise
            finally:
                self._look_at = time.monotonic() + LOOK
        return self._oldest

    def claimed(
        self, batch: list[store.ClaimedCommand], *, since: datetime.datetime | None, seconds: float
    ) -> None:
        """Learn from a claim that began at ``since``; its statement took ``seconds``, and may have failed."""
        if since is None:
            self._claim_all_at = time.monotonic() + min(seconds / SHARE, LONGEST_PAUSE)
        if self._oldest is not None:
            # Commands like these may be left.
            self._oldest = min([self._oldest, *(command.due_at for command in batch if command.due_at)])

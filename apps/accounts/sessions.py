"""A session engine that stores sessions in PostgreSQL and caches them in memcached.

Django's `cached_db` fills the cache on load and on save. A load that overlaps a sign-out can cache the
deleted session until the entry expires. Here a load fills the cache under a lease, which a sign-out revokes;
saving and deleting only invalidate.
"""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps import lookaside
from apps.accounts.keys import session_key as cache_key
from apps.invalidation import invalidate

# Increment it when the cached value changes: two releases may run at the same time.
_SCHEMA = 2


class SessionStore(DatabaseSessionStore):
    """For ``SESSION_ENGINE``. To turn it off, set Django's database engine."""

    def load(self) -> dict[str, Any]:
        """The session's data; empty if it does not exist or has expired."""
        if not self.session_key:
            return {}
        key = cache_key(self.session_key)
        cached = lookaside.cache().get_or_compute(key, self._row, schema=_SCHEMA)
        if cached is not None:
            expires = parse_datetime(cached["expires"])
            if expires is not None and expires > timezone.now():
                return dict(cached["data"])
        self._session_key = None
        return {}

    def _row(self) -> dict[str, Any] | None:
        row = (
            self.model.objects.filter(session_key=self.session_key, expire_date__gt=timezone.now())
            .values("session_data", "expire_date")
            .first()
        )
        return row and {"data": self.decode(row["session_data"]), "expires": row["expire_date"].isoformat()}

    def save(self, must_create: bool = False) -> None:
        super().save(must_create)
        if self.session_key:
            invalidate(cache=[cache_key(self.session_key)])

    def delete(self, session_key: str | None = None) -> None:
        deleted = session_key or self.session_key
        super().delete(session_key)
        if deleted:
            invalidate(cache=[cache_key(deleted)])

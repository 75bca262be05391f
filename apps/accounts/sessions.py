"""Sessions: kept in PostgreSQL, read from memcached.

Django's `cached_db` sets the cache when it saves and when it loads; a load that began before somebody
signed out and ends after it brings the dead session back, for as long as the cache keeps it. Here a load
fills the cache under a lease, which signing out takes away; saving and deleting only forget.
"""

from typing import Any

from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps import lookaside
from apps.accounts.keys import session_key as cache_key
from apps.invalidation import invalidate

# Of what is kept: another shape of it needs another number, for while two releases run beside each other.
_SCHEMA = 2


class SessionStore(DatabaseSessionStore):
    """The engine for ``SESSION_ENGINE``. Django's own database engine is the way back."""

    def load(self) -> dict[str, Any]:
        """What the session holds; nothing where it ended, was never, or is out of date."""
        if not self.session_key:
            return {}
        key = cache_key(self.session_key)
        kept = lookaside.cache().get_or_compute(key, self._row, schema=_SCHEMA)
        if kept is not None:
            expires = parse_datetime(kept["expires"])
            if expires is not None and expires > timezone.now():
                return dict(kept["data"])
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
        gone = session_key or self.session_key
        super().delete(session_key)
        if gone:
            invalidate(cache=[cache_key(gone)])

    @classmethod
    def clear_expired(cls) -> None:
        """Deletes rows out of date; what is cached of them says itself until when it holds."""
        super().clear_expired()

"""A session engine that stores sessions in PostgreSQL and caches them in memcached.

Django's `cached_db` fills the cache on load and on save. A load that overlaps a sign-out can cache the
deleted session until the entry expires. Here a load fills the cache under a lease, which a sign-out revokes;
saving and deleting only invalidate.

A load also notes, at most once an hour, that the session was seen (`SEEN_EVERY`).
"""

from contextlib import suppress
from datetime import timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import InterfaceError, OperationalError, transaction
from django.db.models import OuterRef, QuerySet, Subquery
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps import lookaside
from apps.accounts.keys import session_key as cache_key
from apps.invalidation import invalidate

# Increment it when the cached value changes: two releases may run at the same time.
_SCHEMA = 3
# `UserSession.last_seen_at` is as exact as this: a write a request would cost more than the request.
SEEN_EVERY = timedelta(hours=1)


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
                self._note_seen(cached["seen"])
                return dict(cached["data"])
        self._session_key = None
        return {}

    def _row(self) -> dict[str, Any] | None:
        row = (
            self.model.objects.filter(session_key=self.session_key, expire_date__gt=timezone.now())
            .annotate(seen=Subquery(_listed(OuterRef("session_key")).values("last_seen_at")))
            .values("session_data", "expire_date", "seen")
            .first()
        )
        return row and {
            "data": self.decode(row["session_data"]),
            "expires": row["expire_date"].isoformat(),
            "seen": row["seen"] and row["seen"].isoformat(),
        }

    def _note_seen(self, seen: str | None) -> None:
        """Stores the time, if the stored one is old. Without PostgreSQL the request goes on."""
        now = timezone.now()
        last = parse_datetime(seen or "")
        if last is None or now - last < SEEN_EVERY or self.session_key is None:
            return
        with suppress(OperationalError, InterfaceError), transaction.atomic():
            _listed(self.session_key).filter(last_seen_at__lte=now - SEEN_EVERY).update(last_seen_at=now)
            invalidate(cache=[cache_key(self.session_key)])

    def save(self, must_create: bool = False) -> None:
        with transaction.atomic():
            super().save(must_create)
            if self.session_key:
                invalidate(cache=[cache_key(self.session_key)])

    def delete(self, session_key: str | None = None) -> None:
        deleted = session_key or self.session_key
        with transaction.atomic():
            super().delete(session_key)
            if deleted:
                invalidate(cache=[cache_key(deleted)])


def _listed(session_key: str | OuterRef) -> QuerySet[UserSession]:
    """The session in its user's list of sessions."""
    return UserSession.objects.filter(session_key=session_key)

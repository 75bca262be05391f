"""A session engine that stores sessions in PostgreSQL and caches them in memcached.

Django's `cached_db` fills the cache on load and on save. A load that overlaps a sign-out can cache the
deleted session until the entry expires. Here a load fills the cache under a lease, which a sign-out revokes;
saving and deleting only invalidate.

How a session ends by time:

- *In all*, SESSION_COOKIE_AGE after the sign-in. The moment is in the session's data, where Django keeps what
  `set_expiry` is given; a number of seconds would count anew from each write. The cookie ends then, too.
- *By inactivity*, SESSION_IDLE_DAYS after a member's last visit. ``expire_date`` is the earlier of the two.

A load compares both with the clock, also of a cached session. A visit is noted once its page is made
(`SessionUserMiddleware`), at most once an hour (`SEEN_EVERY`): a write a request would cost more than the
request.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils import timezone

from apps import lookaside
from apps.accounts.keys import session_key as cache_key
from apps.accounts.statements import SQL
from apps.invalidation import invalidate
from apps.securitylog import Event, record

# Increment it when the cached value changes: two releases may run at the same time.
_SCHEMA = 4
# `UserSession.last_seen_at`, and the end by inactivity, are as exact as this.
SEEN_EVERY = timedelta(hours=1)
# Where `set_expiry` keeps the end in all.
_END = "_session_expiry"
_SWEPT_AT_ONCE = 500


class SessionStore(DatabaseSessionStore):
    """For ``SESSION_ENGINE``. To turn it off, set Django's database engine: it knows no end by inactivity."""

    # Whether this request is a visit that has to be noted.
    is_visit_due = False

    def load(self) -> dict[str, Any]:
        """The session's data; empty if it does not exist or has ended."""
        if not self.session_key:
            return {}
        key = cache_key(self.session_key)
        cached = lookaside.cache().get_or_compute(key, self._row, schema=_SCHEMA)
        if cached is not None:
            now = timezone.now().timestamp()
            if now < cached["expires"]:
                self.is_visit_due = cached["visit_due"] <= now
                return dict(cached["data"])
        self._session_key = None
        return {}

    def _row(self) -> dict[str, Any] | None:
        listed = _listed(OuterRef("session_key"))
        row = (
            self.model.objects.filter(session_key=self.session_key, expire_date__gt=timezone.now())
            .annotate(
                since=Subquery(listed.values("created_at")), seen=Subquery(listed.values("last_seen_at"))
            )
            .values_list("session_data", "expire_date", "since", "seen")
            .first()
        )
        if row is None:
            return None
        data, expires, since, seen = row
        return _cached(self.decode(data), expires, since, seen)

    def note_visit(self) -> None:
        """Puts off the end by inactivity. Without PostgreSQL the request goes on."""
        if self.session_key is None or SESSION_KEY not in self:
            return
        now = timezone.now()
        times = {"now": now, "expires": self.get_expiry_date(modification=now), "every": SEEN_EVERY}
        with suppress(OperationalError, InterfaceError), transaction.atomic():
            with connection.cursor() as cursor:
                SQL.statement("note_visit").execute(cursor, {"key": self.session_key, **times})
            invalidate(cache=[cache_key(self.session_key)])

    def begin(self) -> None:
        """A sign-in: from here on the session has all its time."""
        super().set_expiry(timedelta(seconds=settings.SESSION_COOKIE_AGE))

    def set_expiry(self, value: timedelta | datetime | int | None) -> None:
        """Seconds count from now, not from each write. A member's session does not get a later end by it."""
        before = self.get(_END)
        super().set_expiry(timedelta(seconds=value) if value and isinstance(value, int) else value)
        if SESSION_KEY in self and isinstance(before, str):
            self[_END] = min(before, str(self.get(_END) or before), key=datetime.fromisoformat)

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """When the session ends without a visit; `get_expiry_age`, for the cookie, has the end in all."""
        end: datetime = super().get_expiry_date(**kwargs)
        if SESSION_KEY not in self:
            return end
        return min(end, kwargs.get("modification", timezone.now()) + _idle())

    def cycle_key(self) -> None:
        """In its user's list of sessions it is still the same one."""
        before = self.session_key
        with transaction.atomic():
            super().cycle_key()
            if before and SESSION_KEY in self:
                _listed(before).update(session_key=self.session_key)

    def save(self, must_create: bool = False) -> None:
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if _END not in data:
            super().set_expiry(timedelta(seconds=settings.SESSION_COOKIE_AGE))
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

    @classmethod
    def clear_expired(cls) -> None:
        """Deletes sessions that have ended, and what the lists of sessions have of them."""
        while ended := list(UserSession.objects.filter(_has_ended(cls))[:_SWEPT_AT_ONCE]):
            for listed in ended:
                with transaction.atomic():
                    cls().delete(listed.session_key)
                    listed.delete()
                    record(Event.SESSION_ENDED, user_id=listed.user_id, way="time")
        super().clear_expired()
        sessions = cls.get_model_class().objects.filter(session_key=OuterRef("session_key"))
        UserSession.objects.exclude(Exists(sessions)).delete()


@receiver(user_logged_in)
def _begin(request: HttpRequest, **_: Any) -> None:
    if isinstance(request.session, SessionStore):
        request.session.begin()


def _cached(
    data: dict[str, Any], expires: datetime, since: datetime | None, seen: datetime | None
) -> dict[str, Any] | None:
    """What is cached of a row and its line in the list of sessions; None if the session has ended.

    The release before this one kept seconds, and moved ``expire_date`` by all of them with each write. What
    it wrote ends by the times in the list, which it kept as well.
    """
    if not data:
        return None  # another SECRET_KEY signed it
    if not isinstance(data.get(_END), str):
        whole = timedelta(seconds=settings.SESSION_COOKIE_AGE)
        data[_END] = (min(expires, since + whole) if since else expires).isoformat()
    end = datetime.fromisoformat(data[_END])
    ends = [expires, end]
    visit_due = end  # never
    if SESSION_KEY in data and seen:
        ends.append(seen + _idle())
        visit_due = seen + SEEN_EVERY
    elif SESSION_KEY in data and expires <= end - SEEN_EVERY:
        visit_due = expires - _idle() + SEEN_EVERY
    if min(ends) <= timezone.now():
        return None
    return {"data": data, "expires": min(ends).timestamp(), "visit_due": visit_due.timestamp()}


def _idle() -> timedelta:
    return timedelta(days=settings.SESSION_IDLE_DAYS)


def _listed(session_key: str | OuterRef) -> QuerySet[UserSession]:
    """The session in its user's list of sessions."""
    return UserSession.objects.filter(session_key=session_key)


def _has_ended(store: type[SessionStore]) -> Q:
    """Lines of the lists whose session has ended by time."""
    now = timezone.now()
    expired = store.get_model_class().objects.filter(
        session_key=OuterRef("session_key"), expire_date__lte=now
    )
    return Q(last_seen_at__lte=now - _idle()) | Q(Exists(expired))

"""A session engine that stores sessions in PostgreSQL and caches them in memcached.

Django's `cached_db` fills the cache on load and on save. A load that overlaps a sign-out can cache the
deleted session until the entry expires. Here a load fills the cache under a lease, which a sign-out revokes;
saving and deleting only invalidate.

How a session ends by time:

- *In all*, SESSION_COOKIE_AGE after the sign-in. The moment is in the session's data, where Django keeps what
  `set_expiry` is given; a number of seconds would count anew from each write. The cookie ends then, too.
- *By inactivity*, SESSION_IDLE_DAYS after a member's last visit. ``expire_date`` is the earlier of the two.
- A member's session without a `UserSession` row has ended, even if its own row is still valid. allauth
  deletes only the `UserSession` of an ended session; without it no member or operator can end the session.
- A visitor's session ends as Django's do: its seconds count anew from each write.

A load compares both with the clock, also of a cached session. A visit is noted once its page is made
(`SessionUserMiddleware`), at most once an hour (`SEEN_EVERY`): a write a request would cost more than the
request.
"""

from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

from allauth.core import context
from allauth.core.context import request_context
from allauth.usersessions.models import UserSession
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.signals import user_logged_in
from django.contrib.sessions.backends.db import SessionStore as DatabaseSessionStore
from django.db import InterfaceError, OperationalError, connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
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
        with connection.cursor() as cursor:
            SQL.statement("session").execute_prepared(
                cursor, {"key": self.session_key, "now": timezone.now()}
            )
            row = cursor.fetchone()
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
        """A member's seconds count from now, not from each write, and give the session no later end."""
        if SESSION_KEY not in self:
            super().set_expiry(value)
            return
        before = self.get(_END)
        super().set_expiry(timedelta(seconds=value) if value and isinstance(value, int) else value)
        if isinstance(before, str):
            self[_END] = min(before, str(self.get(_END) or before), key=datetime.fromisoformat)

    def get_expiry_date(self, **kwargs: Any) -> datetime:
        """When the session ends without a visit; `get_expiry_age`, for the cookie, has the end in all."""
        end: datetime = super().get_expiry_date(**kwargs)
        if SESSION_KEY not in self:
            return end
        return min(end, kwargs.get("modification", timezone.now()) + _idle())

    def cycle_key(self) -> None:
        """In its user's list of sessions it is still the same one.

        Not of a session that this request only reads, as allauth's list of them does: a device could not find
        it any more. Django asks for it where a former SECRET_KEY signed the session.
        """
        if getattr(context.request, "session", self) is not self:
            return
        before = self.session_key
        with transaction.atomic():
            super().cycle_key()
            if before and SESSION_KEY in self:
                _listed(before).update(session_key=self.session_key)

    def save(self, must_create: bool = False) -> None:
        data = self._get_session(no_load=must_create)  # type: ignore[attr-defined]
        if SESSION_KEY in data and not isinstance(data.get(_END), str):
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
        cls.end_by_time(UserSession.objects.all())
        rows = cls.get_model_class().objects
        rows.filter(~Exists(_listed(OuterRef("session_key"))), expire_date__lte=timezone.now()).delete()
        sessions = rows.filter(session_key=OuterRef("session_key"))
        UserSession.objects.exclude(Exists(sessions)).delete()

    @classmethod
    def end_by_time(cls, lines: QuerySet[UserSession]) -> None:
        """Ends those of these sessions whose time is over. What another run has in hand is left to it."""
        ended, last = lines.filter(_has_ended(cls)).order_by("pk"), 0
        while some := list(ended.filter(pk__gt=last)[:_SWEPT_AT_ONCE]):
            last = some[-1].pk
            # The request in which this happens is not that of their devices.
            with request_context(None), transaction.atomic():
                cls._end(some)

    @classmethod
    def _end(cls, lines: list[UserSession]) -> None:
        """In the order of a sign-out: the rows of sessions are locked first, then those of the lists."""
        rows = cls.get_model_class().objects.filter(pk__in=[line.session_key for line in lines])
        keys = set(rows.select_for_update(skip_locked=True).values_list("pk", flat=True))
        UserSession.objects.filter(session_key__in=keys).delete()
        rows.filter(pk__in=keys).delete()
        for line in lines:
            if line.session_key in keys:
                record(Event.SESSION_ENDED, user_id=line.user_id, way="time")
        invalidate(cache=[cache_key(key) for key in keys])


@receiver(user_logged_in)
def _begin(request: HttpRequest, user: AbstractBaseUser, **_: Any) -> None:
    """Before allauth adds the session to the list, and takes from it what has ended."""
    if isinstance(request.session, SessionStore):
        SessionStore.end_by_time(UserSession.objects.filter(user_id=user.pk))
        request.session.begin()
        # Saved now: allauth takes a session without its member from the list, as at a sign-in elsewhere.
        request.session.save()


def _cached(
    data: dict[str, Any], expires: datetime, since: datetime | None, seen: datetime | None
) -> dict[str, Any] | None:
    """What is cached of a row and its line in the list of sessions; None if the session has ended.

    The release before this one kept seconds, and moved ``expire_date`` by all of them with each write. What
    it wrote ends by the times in the list, which it kept as well.
    """
    if not data:
        return None  # another SECRET_KEY signed it
    if SESSION_KEY not in data:
        return {"data": data, "expires": expires.timestamp(), "visit_due": expires.timestamp()}
    if since is None or seen is None:
        return None
    if not isinstance(data.get(_END), str):
        whole = timedelta(seconds=settings.SESSION_COOKIE_AGE)
        data[_END] = min(expires, since + whole).isoformat()
    end = min(expires, datetime.fromisoformat(data[_END]), seen + _idle())
    if end <= timezone.now():
        return None
    return {"data": data, "expires": end.timestamp(), "visit_due": (seen + SEEN_EVERY).timestamp()}


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

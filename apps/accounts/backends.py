"""Authentication by user name or e-mail address; each request reads its user from memcached."""

from collections.abc import Callable
from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import check_password
from django.db import DEFAULT_DB_ALIAS, connection
from django.http import HttpRequest

from apps import lookaside
from apps.accounts import applications, queries, sign_ups, viewer
from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.accounts.statements import cached_columns
from apps.policy.keys import POLICY
from apps.policy.queries import Policy, for_cache


class AccountBackend(AuthenticationBackend):
    """Signs in by user name or e-mail address. Each request reads its user from PostgreSQL."""

    def get_user(self, user_id: int) -> User | None:
        user = User.objects.of_request(user_id)
        return user if user is not None and self.user_can_authenticate(user) else None

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Hashes the password exactly once, so that the response time does not reveal which logins exist.

        Sets ``request.sign_up`` if login and password match an unconfirmed sign-up or a waiting application.
        """
        password, login = credentials.get("password"), login_of(credentials)
        if not password:
            return None
        if (user := queries.by_login(login)) is not None:
            return self._check_password(user, password)
        pending = sign_ups.unconfirmed(login) or applications.waiting(login)
        if pending is None:
            self._mitigate_timing_attack(password)
        elif check_password(password, pending.password) and request is not None:
            request.sign_up = pending  # type: ignore[attr-defined]
        return None


class CachedUserBackend(AccountBackend):
    """Each request reads its user from the look-aside cache, and the policy in the same round trip.

    Every write to a user invalidates the entry.
    """

    def get_user(self, user_id: int) -> User | None:
        key = user_key(user_id)
        compute: dict[str, Callable[[], Any]] = {key: lambda: _row(user_id), POLICY: for_cache}
        found: dict[str, Any] = lookaside.cache().get_many_or_compute(
            list(compute),
            lambda missing: {name: compute[name]() for name in missing},
            schema={key: User.cached_schema(), POLICY: Policy.schema()},
        )
        if found[key] is None:
            return None
        user = User.from_cache(found[key])
        user._policy = Policy.from_cache(found[POLICY])
        return user if self.user_can_authenticate(user) else None


def login_of(credentials: dict[str, Any]) -> str:
    """The submitted login, or the user name on reauthentication."""
    return str(credentials.get("username") or credentials.get("email") or "")


def _row(user_id: int) -> dict[str, Any] | None:
    fields = User._meta.concrete_fields
    statement = cached_columns(*[field.column for field in fields], *viewer.annotations.values())
    with connection.cursor() as cursor:
        statement.execute_prepared(cursor, {"person": user_id})
        row = cursor.fetchone()
    if row is None:
        return None
    user = User.from_db(DEFAULT_DB_ALIAS, [field.attname for field in fields], row[: len(fields)])
    user.__dict__ |= zip(viewer.annotations, row[len(fields) :], strict=True)
    return user.for_cache()

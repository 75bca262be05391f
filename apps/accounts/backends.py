"""Authentication: by user name or e-mail address, with the user object of each request from memcached."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend
from django.contrib.auth.hashers import check_password
from django.http import HttpRequest

from apps import lookaside
from apps.accounts import joining, queries
from apps.accounts.keys import user_key
from apps.accounts.models import User


class AccountBackend(AuthenticationBackend):
    """Signs in by user name or e-mail address. Each request reads its user from PostgreSQL."""

    def authenticate(self, request: HttpRequest | None, **credentials: Any) -> User | None:
        """Hashes the password exactly once, whatever the login is: the time does not tell whether it exists.

        Where login and password are those of an unconfirmed sign-up, ``request.sign_up`` is set to it.
        """
        password, login = credentials.get("password"), login_of(credentials)
        if not password:
            return None
        if (user := queries.by_login(login)) is not None:
            return self._check_password(user, password)
        if (sign_up := joining.waiting(login)) is None:
            self._mitigate_timing_attack(password)
        elif check_password(password, sign_up.password) and request is not None:
            request.sign_up = sign_up  # type: ignore[attr-defined]
        return None


class CachedUserBackend(AccountBackend):
    """The same, but each request reads its user from the look-aside cache.

    `User.save`, `User.delete` and the actions that update rows invalidate what is cached.
    """

    def get_user(self, user_id: int) -> User | None:
        """The user, if they may sign in; a user object that saves only what was changed on it."""
        kept = lookaside.cache().get_or_compute(user_key(user_id), lambda: _row(user_id))
        user = User.from_cache(kept) if kept is not None else None
        return user if user is not None and self.user_can_authenticate(user) else None


def login_of(credentials: dict[str, Any]) -> str:
    """The login that was typed, or the user name of a member who confirms their password."""
    return str(credentials.get("username") or credentials.get("email") or "")


def _row(user_id: int) -> dict[str, Any] | None:
    user = User.objects.filter(pk=user_id).first()
    return user.for_cache() if user is not None else None

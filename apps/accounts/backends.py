"""Who is signed in: the user object of every request, from memcached."""

from typing import Any

from allauth.account.auth_backends import AuthenticationBackend

from apps import lookaside
from apps.accounts import freshness
from apps.accounts.models import User


class CachedUserBackend(AuthenticationBackend):
    """The backend for ``AUTHENTICATION_BACKENDS``. allauth's own is the way back.

    Signing in reads the database; every request after it reads the cache. `User.save` and `User.delete`, and
    the actions that update rows, forget what is cached.
    """

    def get_user(self, user_id: int) -> User | None:
        """The user, if they may sign in; a user object that saves only what was changed on it."""
        kept = lookaside.cache().get_or_compute(freshness.user_key(user_id), lambda: _row(user_id))
        user = User.from_cache(kept) if kept is not None else None
        return user if user is not None and self.user_can_authenticate(user) else None


def _row(user_id: int) -> dict[str, Any] | None:
    user = User.objects.filter(pk=user_id).first()
    return user.for_cache() if user is not None else None

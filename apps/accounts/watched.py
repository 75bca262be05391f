"""For the watch on the caches: cached users and sessions of people who were here last."""

import random
from collections.abc import Sequence
from functools import partial
from typing import Any

from allauth.usersessions.models import UserSession
from django.utils import timezone

from apps.accounts import sessions
from apps.accounts.keys import session_key, user_key
from apps.accounts.models import User
from apps.cachewatch import Item, Kind
from apps.cachewatch.kinds import SAMPLE

RECENT = 500


def users() -> Kind:
    return Kind("users", lambda: [user for user, _ in _recent()], _users)


def live_sessions() -> Kind:
    return Kind("sessions", lambda: [key for _, key in _recent()], _sessions)


def _recent() -> Sequence[tuple[int, str]]:
    """Some of the sessions that were seen last."""
    newest = UserSession.objects.order_by("-pk").values_list("user_id", "session_key")[:RECENT]
    found = list(newest)
    return random.sample(found, min(len(found), SAMPLE))


def _users(ids: Sequence[int]) -> list[Item]:
    schema = User.cached_schema()
    return [Item(pk, user_key(pk), partial(_user, pk), schema) for pk in dict.fromkeys(ids)]


def _user(user_id: int) -> object:
    user = User.objects.of_request(user_id)
    return user and user.for_cache()


def _sessions(keys: Sequence[str]) -> list[Item]:
    return [
        Item(key, session_key(key), sessions.SessionStore(key)._row, sessions._SCHEMA, _unless_ended)
        for key in dict.fromkeys(keys)
    ]


def _unless_ended(cached: dict[str, Any] | None) -> dict[str, Any] | None:
    """A session may end while it is cached: who reads it compares the time, too."""
    return cached if cached is not None and timezone.now().timestamp() < cached["expires"] else None

"""Browsers of members, their sessions, and a clock that can be moved on, for tests."""

from datetime import timedelta

from allauth.usersessions.models import UserSession
from django.conf import settings
from django.test import Client

from apps.accounts.keys import session_key
from apps.accounts.sessions import SessionStore
from apps.invalidation import invalidate
from tests.support.people import PASSWORD, who_is_in

COOKIE = settings.SESSION_COOKIE_NAME
AGE = timedelta(seconds=settings.SESSION_COOKIE_AGE)
IDLE = timedelta(days=settings.SESSION_IDLE_DAYS)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)


class Calendar:
    """The clock of the site: it runs, and can be moved on."""

    def __init__(self) -> None:
        self.passed = timedelta()

    def pass_by(self, passed: timedelta) -> None:
        self.passed += passed


def signed_in(name: str) -> Client:
    client = Client()
    client.post("/accounts/login/", {"login": name, "password": PASSWORD})
    assert who_is_in(client) == name
    return client


def key_of(client: Client) -> str:
    return client.cookies[COOKIE].value


def listed(client: Client) -> UserSession:
    return UserSession.objects.get(session_key=key_of(client))


def invalidate_all(*clients: Client) -> None:
    invalidate(cache=[session_key(key_of(client)) for client in clients])


def is_alive(key: str) -> bool:
    """Whether a session can be read. That is no visit."""
    return bool(SessionStore(key).load())

"""A member for the tests of this app, her browser, and the clock of her sessions."""

import time

import pytest
from allauth.usersessions.models import UserSession
from django.test import Client
from django.utils import timezone

from apps.accounts.models import User
from apps.accounts.tests.session_steps import Calendar, signed_in
from tests.support.people import member


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def calendar(monkeypatch: pytest.MonkeyPatch) -> Calendar:
    moved = Calendar()
    now, seconds = timezone.now, time.time
    monkeypatch.setattr(timezone, "now", lambda: now() + moved.passed)
    monkeypatch.setattr(time, "time", lambda: seconds() + moved.passed.total_seconds())
    for name in ("created_at", "last_seen_at"):
        field = UserSession._meta.get_field(name)
        monkeypatch.setattr(field, "_get_default", lambda: timezone.now(), raising=False)
    return moved


@pytest.fixture
def anns(ann: User) -> Client:
    return signed_in("ann")

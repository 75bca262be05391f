"""A member, and the clock of the site."""

import time

import pytest

from apps.accounts.models import User
from apps.factors.tests.steps import Clock
from tests.support.people import member


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    """The time that Python tells; PostgreSQL has its own."""
    stands = Clock()
    monkeypatch.setattr(time, "time", stands)
    return stands

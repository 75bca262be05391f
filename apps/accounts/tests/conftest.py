"""A member for the tests of this app."""

import pytest

from apps.accounts.models import User
from tests.support.people import member


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")

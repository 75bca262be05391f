"""A member to try things with."""

import pytest

from apps.accounts.models import User
from tests.support.people import member


@pytest.fixture
def ann(db: None) -> User:
    return member("ann")

"""Fixtures: people, kwips, and an address for new kwips."""

import uuid

import pytest

from apps.accounts.models import User
from apps.inbound import actions
from tests.support.fixtures import ann, bob, comment, publish

__all__ = ["ann", "bob", "comment", "publish"]


@pytest.fixture
def secret(db: None) -> str:
    """The address for new kwips of ann@example.org."""
    owner = User.objects.filter(username="ann").first() or User.objects.create_user("ann", "ann@example.org")
    return actions.switch_on(user=owner, form_key=uuid.uuid4(), tell=lambda owner: None)

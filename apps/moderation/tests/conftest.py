"""Fixtures: people, kwips, and moderators."""

from collections.abc import Callable

import pytest
from django.contrib.auth.models import Group
from django.test import Client

from apps.accounts.models import User
from tests.support.fixtures import ann, bob, comment, follow, publish
from tests.support.people import member

__all__ = ["ann", "bob", "comment", "follow", "publish"]


def give(person: User, group: str) -> User:
    """A test that empties the database has removed the groups of the migration."""
    person.groups.add(Group.objects.get_or_create(name=group)[0])
    return person


@pytest.fixture
def mod(db: None) -> User:
    return give(member("mia"), "moderators")


@pytest.fixture
def other_mod(db: None) -> User:
    return give(member("otto"), "moderators")


@pytest.fixture
def ops(db: None) -> User:
    return give(member("olga"), "operators")


@pytest.fixture
def client_of() -> Callable[[User], Client]:
    def _client(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return _client

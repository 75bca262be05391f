"""Fixtures: two people, and functions that publish, comment and follow."""

import uuid
from collections.abc import Callable
from typing import Any

import pytest

from apps.accounts.models import User
from apps.graph.models import Follow
from apps.kwips import actions
from apps.kwips.models import Kwip


@pytest.fixture
def ann(db: None) -> User:
    return User.objects.create_user("ann", "ann@example.org", "a long password")


@pytest.fixture
def bob(db: None) -> User:
    return User.objects.create_user("bob", "bob@example.org", "a long password")


@pytest.fixture
def publish() -> Callable[..., Kwip]:
    def _publish(author: User, text: str = "tea", **options: Any) -> Kwip:
        return actions.publish(author=author, text=text, form_key=uuid.uuid4(), **options).kwip

    return _publish


@pytest.fixture
def comment() -> Callable[..., Kwip]:
    def _comment(author: User, thread: Kwip, text: str = "with milk?") -> Kwip:
        return actions.comment(author=author, thread=thread, text=text, form_key=uuid.uuid4()).kwip

    return _comment


@pytest.fixture
def follow() -> Callable[[User, User], None]:
    def _follow(follower: User, followee: User) -> None:
        Follow.objects.create(follower=follower, followee=followee)
        User.objects.filter(pk=follower.pk).update(following_count=follower.following_count + 1)
        follower.refresh_from_db()

    return _follow

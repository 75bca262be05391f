"""Fixtures: two people of whom bob follows ann, and functions that send and list messages."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction

from apps.accounts.models import User
from apps.graph.models import Follow
from apps.messages import actions, queries
from tests.support.fixtures import ann, bob, comment, publish

__all__ = ["ann", "bob", "comment", "publish"]

type Send = Callable[..., bool]


@pytest.fixture
def fan(ann: User, bob: User) -> User:
    """bob, who follows ann."""
    Follow.objects.create(follower=bob, followee=ann)
    return bob


@pytest.fixture
def send() -> Send:
    def _send(sender: User, recipient: User, text: str = "tea?", key: uuid.UUID | None = None) -> bool:
        return actions.send(sender=sender, recipient=recipient, text=text, form_key=key or uuid.uuid4())

    return _send


def while_the_first_is_open[T](first: Callable[[], object], second: Callable[[], T]) -> T:
    """Commits ``first`` once ``second``, in another connection, waits for a lock; returns the latter's."""

    def run() -> T:
        try:
            return second()
        finally:
            connection.close()

    with ThreadPoolExecutor(1) as pool:
        with transaction.atomic(), connection.cursor() as cursor:
            first()
            running = pool.submit(run)
            waiting = 0
            while not waiting and not running.done():
                # Within a transaction PostgreSQL answers with what it read first.
                cursor.execute("SELECT pg_stat_clear_snapshot()")
                cursor.execute("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'")
                [(waiting,)] = cursor.fetchall()
        return running.result()


def texts(owner: User, other: User) -> list[str]:
    """The owner's messages, newest first."""
    return [message.text for message in queries.messages(owner, other, {})]


def is_marked(user: User) -> bool:
    """Whether the database says that the user has unread messages."""
    found = User.objects.of_request(user.pk)
    assert found
    return found.unread_messages

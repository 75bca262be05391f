"""Fixtures: people and kwips, and the new notices."""

from collections.abc import Iterator

import pytest

from apps.notifications.events import NewNotice, Notified, notified
from tests.support.fixtures import ann, bob, comment, follow, publish

__all__ = ["ann", "bob", "comment", "follow", "publish"]


@pytest.fixture
def new_notices() -> Iterator[list[NewNotice]]:
    """The notices of each `notified`, in order; those of transactions that were rolled back too."""
    heard: list[NewNotice] = []

    def hear(event: Notified) -> None:
        heard.extend(event.notices)

    notified.within(hear)
    yield heard
    notified.subscribers_within.remove(hear)

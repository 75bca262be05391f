"""Fixtures: people and kwips, and the notices that were told."""

from collections.abc import Iterator

import pytest

from apps.notifications.events import Noticed, Told, noticed
from tests.support.fixtures import ann, bob, comment, follow, publish

__all__ = ["ann", "bob", "comment", "follow", "publish"]


@pytest.fixture
def told() -> Iterator[list[Told]]:
    """The notices of each `noticed`, in order; those of transactions that were rolled back too."""
    heard: list[Told] = []

    def hear(event: Noticed) -> None:
        heard.extend(event.told)

    noticed.within(hear)
    yield heard
    noticed.subscribers_within.remove(hear)

"""Fixtures: people and kwips, and a member's network."""

import pytest

from apps.accounts.models import User
from apps.feeds import queries
from apps.feeds.tests.kept_network import Network
from apps.graph import actions as graph
from tests.support.fixtures import ann, bob, comment, follow, publish

__all__ = ["ann", "bob", "comment", "follow", "publish"]


@pytest.fixture
def network(ann: User, bob: User, monkeypatch: pytest.MonkeyPatch) -> Network:
    """Ann's, who follows bob. Its page 1 is kept, since plan 1 never fills it."""
    monkeypatch.setattr(queries, "WINDOW", 1)
    graph.follow(follower=ann, followee=bob)
    return Network(ann)

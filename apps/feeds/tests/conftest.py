"""Fixtures: people and kwips."""

from tests.support.fixtures import ann, bob, comment, follow, publish

__all__ = ["ann", "bob", "comment", "follow", "publish"]

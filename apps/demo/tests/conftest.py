"""Fixtures: people and kwips."""

from tests.support.fixtures import ann, bob, comment, publish

__all__ = ["ann", "bob", "comment", "publish"]

"""Fixtures: people, and what they write."""

from tests.support.fixtures import ann, bob, follow, publish

__all__ = ["ann", "bob", "follow", "publish"]

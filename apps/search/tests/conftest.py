"""Fixtures: people, and functions that publish, comment and follow."""

from tests.support.fixtures import ann, bob, comment, follow, publish

__all__ = ["ann", "bob", "comment", "follow", "publish"]

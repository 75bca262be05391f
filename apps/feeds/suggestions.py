"""Whom a newcomer might follow first. An app above adds its source in `AppConfig.ready`."""

from collections.abc import Callable, Sequence

from apps.accounts.models import User

# Functions from the id of a member who follows no one to people.
sources: list[Callable[[int], Sequence[User]]] = []


def first_follows(viewer: User) -> list[User]:
    """People for a member who follows no one; none, and no query, for all others."""
    return [] if viewer.following_count else [person for source in sources for person in source(viewer.pk)]

"""Whom a newcomer might follow first. An app above adds its source in `AppConfig.ready`."""

from collections.abc import Callable, Sequence

from apps.accounts.models import User

# Functions from the id of a member whose network is empty to people.
sources: list[Callable[[int], Sequence[User]]] = []


def first_follows(viewer: User) -> list[User]:
    """People whom the viewer does not follow yet."""
    return [person for source in sources for person in source(viewer.pk)]

"""Events of users."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from apps.events import Event

if TYPE_CHECKING:
    from apps.accounts.models import User


@dataclass(frozen=True)
class Joined:
    user: User


@dataclass(frozen=True)
class ProfileChanged:
    """``fields`` are names from `models.PUBLIC_FIELDS`, or "links"."""

    user: User
    fields: frozenset[str]


@dataclass(frozen=True)
class Renamed:
    user_id: int
    before: str
    after: str


@dataclass(frozen=True)
class NamesReleased:
    names: Collection[str]


@dataclass(frozen=True)
class CountersMoved:
    """``usernames`` by user ids."""

    usernames: Mapping[int, str]


@dataclass(frozen=True)
class Switched:
    """``by`` is the operator, None on the command line."""

    people: Collection[User]
    by: User | None


@dataclass(frozen=True)
class Deleted:
    user_id: int
    username: str


@dataclass(frozen=True)
class InvitationTaken:
    """``invited`` joined by an invitation of ``inviter``, in this transaction."""

    inviter: User
    invited: User


joined = Event("joined", Joined)
invitation_taken = Event("invitation_taken", InvitationTaken)
profile_changed = Event("profile_changed", ProfileChanged)
renamed = Event("renamed", Renamed)
# The year for which former names were reserved is over.
names_released = Event("names_released", NamesReleased)
counters_moved = Event("counters_moved", CountersMoved)
switched_off = Event("switched_off", Switched)
switched_on = Event("switched_on", Switched)
deleted = Event("deleted", Deleted)

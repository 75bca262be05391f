"""Writes of follows. Each is one transaction, and idempotent."""

from typing import NamedTuple

from django.db import transaction

from apps.accounts.counters import lock_people, move_counters
from apps.accounts.models import User
from apps.graph import events
from apps.graph.models import Follow
from apps.graph.queries import is_blocked


class CannotFollow(Exception):
    """Users cannot follow themselves, deleted users, or users with a block between the two."""


class FollowsTooMany(CannotFollow):
    """The follower has reached `FOLLOWING_LIMIT`."""


# Bounds the cost of the network timeline.
FOLLOWING_LIMIT = 5_000


class Counts(NamedTuple):
    """The follower's and the followee's counter after the action."""

    following: int
    followers: int


@transaction.atomic
def follow(*, follower: User, followee: User) -> Counts:
    """Raises `CannotFollow`, `FollowsTooMany`."""
    if follower.pk == followee.pk:
        raise CannotFollow
    people = lock_people({follower.pk, followee.pk})
    if len(people) < 2 or is_blocked(follower.pk, followee.pk):
        raise CannotFollow
    if Follow.objects.filter(follower=follower, followee=followee).exists():
        return _counts(people, follower, followee)
    if people[follower.pk].following_count >= FOLLOWING_LIMIT:
        raise FollowsTooMany
    Follow.objects.create(follower=follower, followee=followee)
    _move_counters(people, follower, followee, by=1)
    events.followed.emit(events.Pair(people[follower.pk], people[followee.pk]))
    return _counts(people, follower, followee, moved=1)


@transaction.atomic
def unfollow(*, follower: User, followee: User) -> Counts:
    people = lock_people({follower.pk, followee.pk})
    if not Follow.objects.filter(follower=follower, followee=followee).delete()[0]:
        return _counts(people, follower, followee)
    _move_counters(people, follower, followee, by=-1)
    events.unfollowed.emit(events.Pair(people[follower.pk], people[followee.pk]))
    return _counts(people, follower, followee, moved=-1)


def _move_counters(people: dict[int, User], follower: User, followee: User, *, by: int) -> None:
    changes = {follower.pk: {"following_count": by}, followee.pk: {"followers_count": by}}
    move_counters(changes, people=people)


def _counts(people: dict[int, User], follower: User, followee: User, *, moved: int = 0) -> Counts:
    """Exact, since the rows are locked."""
    return Counts(people[follower.pk].following_count + moved, people[followee.pk].followers_count + moved)

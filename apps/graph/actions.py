"""Writes of the graph. Each is one transaction and can be repeated without doing its work twice."""

from typing import NamedTuple

from django.db import transaction

from apps.accounts.counters import lock_people, move_counters
from apps.accounts.models import User
from apps.graph import events
from apps.graph.models import Follow
from apps.graph.queries import is_blocked


class CannotFollow(Exception):
    """Nobody follows themselves, somebody who is gone, or across a block."""


class FollowsTooMany(CannotFollow):
    """Someone who follows as many people as one may."""


# A network's cost grows with it; nobody reads five thousand people.
FOLLOWING_LIMIT = 5_000


class Counts(NamedTuple):
    """What the two count now: whom the one follows, who follows the other."""

    following: int
    followers: int


@transaction.atomic
def follow(*, follower: User, followee: User) -> Counts:
    """``follower`` follows ``followee`` from now on. Raises `CannotFollow`, `FollowsTooMany`."""
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
    _count(people, follower, followee, by=1)
    events.followed.emit(events.Pair(people[follower.pk], people[followee.pk]))
    return _counts(people, follower, followee, moved=1)


@transaction.atomic
def unfollow(*, follower: User, followee: User) -> Counts:
    """``follower`` does not follow ``followee`` any more."""
    people = lock_people({follower.pk, followee.pk})
    if not Follow.objects.filter(follower=follower, followee=followee).delete()[0]:
        return _counts(people, follower, followee)
    _count(people, follower, followee, by=-1)
    events.unfollowed.emit(events.Pair(people[follower.pk], people[followee.pk]))
    return _counts(people, follower, followee, moved=-1)


def _count(people: dict[int, User], follower: User, followee: User, *, by: int) -> None:
    changes = {follower.pk: {"following_count": by}, followee.pk: {"followers_count": by}}
    move_counters(changes, people=people)


def _counts(people: dict[int, User], follower: User, followee: User, *, moved: int = 0) -> Counts:
    """Of rows that are locked: exact, whatever else goes on."""
    return Counts(people[follower.pk].following_count + moved, people[followee.pk].followers_count + moved)

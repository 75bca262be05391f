"""Writes of follows and of requests to follow. Each is one transaction, and idempotent.

Each locks the rows of both people first, in the order of their ids. So of two concurrent writes about a pair
the second one sees what the first one did, and a pair never has both a follow and a request.
"""

from typing import NamedTuple

from django.db import transaction
from django.db.models import Value

from apps.accounts.counters import lock_people, move_counters
from apps.accounts.models import User
from apps.graph import events
from apps.graph.models import Follow, FollowRequest
from apps.graph.queries import is_blocked


class CannotFollow(Exception):
    """Users cannot follow themselves, deleted users, or users with a block between the two."""


class FollowsTooMany(CannotFollow):
    """The follower has reached `FOLLOWING_LIMIT`."""


class AsksTooMany(CannotFollow):
    """The follower has reached `REQUESTS_LIMIT`."""


# Bounds the cost of the network timeline.
FOLLOWING_LIMIT = 5_000
REQUESTS_LIMIT = 200  # open requests of one person
ACCEPTED_AT_ONCE = 50


class Counts(NamedTuple):
    """The follower's and the followee's counter after the action; whether the follower asks to follow."""

    following: int
    followers: int
    is_asking: bool = False


@transaction.atomic
def follow(*, follower: User, followee: User, is_invited: bool = False) -> Counts:
    """Follows a person; or asks a person whose account is private, unless ``is_invited``.

    Raises `CannotFollow`, `FollowsTooMany`, `AsksTooMany`.
    """
    if follower.pk == followee.pk:
        raise CannotFollow
    people = lock_people({follower.pk, followee.pk})
    if len(people) < 2 or is_blocked(follower.pk, followee.pk):
        raise CannotFollow
    is_following, is_asking = _state(follower, followee)
    if is_following:
        return _counts(people, follower, followee)
    if people[follower.pk].following_count >= FOLLOWING_LIMIT:
        raise FollowsTooMany
    if people[followee.pk].is_private and not is_invited:
        if not is_asking:
            _ask(people[follower.pk], people[followee.pk])
        return _counts(people, follower, followee)._replace(is_asking=True)
    if is_asking:
        _end_request(follower, followee)
    return _add(people, follower, followee)


@transaction.atomic
def unfollow(*, follower: User, followee: User) -> Counts:
    """Ends a follow, or withdraws a request."""
    people = lock_people({follower.pk, followee.pk})
    if not Follow.objects.filter(follower=follower, followee=followee).delete()[0]:
        _end_request(follower, followee)
        return _counts(people, follower, followee)
    _move_counters(people, follower, followee, by=-1)
    events.unfollowed.emit(events.Pair(people[follower.pk], people[followee.pk]))
    return _counts(people, follower, followee, moved=-1)


@transaction.atomic
def accept(*, asked: User, asker: User) -> bool:
    """The asker follows. Returns False if there is no request any more. Raises `FollowsTooMany`."""
    people = lock_people({asker.pk, asked.pk})
    if not _end_request(asker, asked) or is_blocked(asker.pk, asked.pk):
        return False
    if people[asker.pk].following_count >= FOLLOWING_LIMIT:
        raise FollowsTooMany
    _add(people, asker, asked, by_request=True)
    return True


@transaction.atomic
def refuse(*, asked: User, asker: User) -> bool:
    """Ends a request. The asker is not told, and may ask again. Returns False if there was none."""
    lock_people({asker.pk, asked.pk})
    return _end_request(asker, asked)


def accept_all(*, asked: User, limit: int = ACCEPTED_AT_ONCE) -> int:
    """Accepts the oldest requests of active people, each in a transaction. Returns how many."""
    rows = FollowRequest.objects.filter(asked=asked, asker__is_active=True).select_related("asker")
    accepted = 0
    for row in rows.order_by("pk")[:limit]:
        try:
            accepted += accept(asked=asked, asker=row.asker)
        except FollowsTooMany:
            pass  # the request stays
    return accepted


def _state(follower: User, followee: User) -> tuple[bool, bool]:
    """Whether the follower follows, and whether they ask to; the rows of both are locked."""
    follows = Follow.objects.filter(follower=follower, followee=followee).values_list(Value(1))
    requests = FollowRequest.objects.filter(asker=follower, asked=followee).values_list(Value(2))
    found = {state for (state,) in follows.union(requests, all=True)}
    return 1 in found, 2 in found


def _ask(asker: User, asked: User) -> None:
    """Under the asker's lock, so that the number is exact."""
    if FollowRequest.objects.filter(asker=asker).count() >= REQUESTS_LIMIT:
        raise AsksTooMany
    FollowRequest.objects.create(asker=asker, asked=asked)
    events.follow_requested.emit(events.Asked(asker, asked))


def _end_request(asker: User, asked: User) -> bool:
    return bool(FollowRequest.objects.filter(asker=asker, asked=asked).delete()[0])


def _add(people: dict[int, User], follower: User, followee: User, *, by_request: bool = False) -> Counts:
    Follow.objects.create(follower=follower, followee=followee)
    _move_counters(people, follower, followee, by=1)
    events.followed.emit(events.Pair(people[follower.pk], people[followee.pk], by_request))
    return _counts(people, follower, followee, moved=1)


def _move_counters(people: dict[int, User], follower: User, followee: User, *, by: int) -> None:
    changes = {follower.pk: {"following_count": by}, followee.pk: {"followers_count": by}}
    move_counters(changes, people=people)


def _counts(people: dict[int, User], follower: User, followee: User, *, moved: int = 0) -> Counts:
    """Exact, since the rows are locked."""
    return Counts(people[follower.pk].following_count + moved, people[followee.pk].followers_count + moved)

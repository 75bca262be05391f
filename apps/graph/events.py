"""Events of follows and blocks."""

from dataclasses import dataclass

from apps.accounts.models import User
from apps.events import Event


@dataclass(frozen=True)
class Pair:
    """``by_request``: the followee accepted a request."""

    follower: User
    followee: User
    by_request: bool = False


@dataclass(frozen=True)
class Asked:
    asker: User
    asked: User


followed = Event("followed", Pair)
unfollowed = Event("unfollowed", Pair)
follow_requested = Event("follow_requested", Asked)
# ``follower`` is who blocks; the follows between the two are ended.
blocked = Event("blocked", Pair)

"""Events of follows and blocks."""

from dataclasses import dataclass

from apps.accounts.models import User
from apps.events import Event


@dataclass(frozen=True)
class Pair:
    follower: User
    followee: User


followed = Event("followed", Pair)
unfollowed = Event("unfollowed", Pair)
# ``follower`` is who blocks; the follows between the two are ended.
blocked = Event("blocked", Pair)

"""Writes of blocks. Each is one transaction, and idempotent.

A block locks both people, as follows, comments, favourites and shares lock the person who acts. So none of
these commits after a block without having seen it.
"""

from django.db import transaction

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.graph import actions, events
from apps.graph.models import Block

MOST_BLOCKS = 1_000  # of one person: each statement that reads kwips reads them


class CannotBlock(Exception):
    """Users cannot block themselves, or deleted users."""


class BlocksTooMany(CannotBlock):
    """The blocker has `MOST_BLOCKS` blocks."""


@transaction.atomic
def block(*, blocker: User, blocked: User) -> None:
    """Hides each from the other, and ends what they follow of each other. Raises `CannotBlock`."""
    people = lock_people({blocker.pk, blocked.pk})
    if len(people) < 2:
        raise CannotBlock
    blocks = Block.objects.filter(blocker=blocker)
    if blocks.filter(blocked=blocked).exists():
        return
    if blocks.count() >= MOST_BLOCKS:
        raise BlocksTooMany
    Block.objects.create(blocker=blocker, blocked=blocked)
    actions.unfollow(follower=blocker, followee=blocked)
    actions.unfollow(follower=blocked, followee=blocker)
    events.blocked.emit(events.Pair(people[blocker.pk], people[blocked.pk]))


def unblock(*, blocker: User, blocked: User) -> None:
    """Removes the block; follows stay ended."""
    Block.objects.filter(blocker=blocker, blocked=blocked).delete()

"""What the graph deletes of a person whose account is deleted; blocks and mutes are plain references."""

from django.db.models import Q

from apps.accounts import erasing
from apps.graph.actions import unfollow
from apps.graph.models import Follow


def erase_follows(person_id: int, limit: int) -> int:
    """In both directions, with the counters of the others."""
    rows = Follow.objects.filter(Q(follower=person_id) | Q(followee=person_id))
    follows = list(rows.select_related("follower", "followee")[:limit])
    for follow in follows:
        unfollow(follower=follow.follower, followee=follow.followee)
    return len(follows)


erasing.register("follows", erase_follows, erasing.RELATED)

"""Which lists of followers an event makes stale."""

from apps.accounts.keys import user_pages
from apps.graph import events
from apps.invalidation import invalidate


@events.followed.within
@events.unfollowed.within
def on_follow(event: events.Pair) -> None:
    invalidate(pages=[user_pages(event.follower.username), user_pages(event.followee.username)])

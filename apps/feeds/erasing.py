"""What timelines delete of a person whose account is deleted: pictures of previews, and the kept page."""

from apps.accounts import erasing
from apps.accounts import events as accounts_events
from apps.accounts.identity import identity
from apps.feeds import previews
from apps.feeds.keys import network_first_page
from apps.invalidation import invalidate


def erase_previews(person_id: int, _limit: int) -> int:
    return sum(map(previews.remove_of, identity(person_id).names))


@accounts_events.deleted.within
def on_deleted(event: accounts_events.Deleted) -> None:
    invalidate(cache=[network_first_page(event.user_id)])


erasing.register("previews", erase_previews, erasing.ABOUT)

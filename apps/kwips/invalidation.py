"""Purges the pages of kwips on events. Followers-only kwips have no public page."""

from apps.accounts.keys import PEOPLE
from apps.invalidation import invalidate
from apps.kwips import events
from apps.kwips.keys import kwip_pages
from apps.kwips.models import Kwip


def _purge(*kwips: Kwip) -> None:
    """Purges the pages of these kwips and of their threads."""
    public = [kwip for kwip in kwips if not kwip.followers_only]
    invalidate(pages=[kwip_pages(pk) for kwip in public for pk in {kwip.pk, kwip.thread_id or kwip.pk}])


@events.published.within
@events.favourited.within
@events.unfavourited.within
@events.shared.within
@events.unshared.within
def on_change(event: events.Published | events.Favourited | events.Shared) -> None:
    _purge(event.kwip)


@events.commented.within
def on_commented(event: events.Commented) -> None:
    _purge(event.comment)


@events.edited.within
def on_edited(event: events.Edited) -> None:
    """The pages of its comments quote the kwip."""
    _purge(event.kwip, *event.comments)


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    _purge(*event.kwips)


@events.narrowed.within
def on_narrowed(event: events.Narrowed) -> None:
    """They had public pages until now."""
    invalidate(pages=[kwip_pages(kwip.pk) for kwip in event.kwips])


@events.withheld.within
@events.restored.within
def on_withholding(event: events.Withholding) -> None:
    """Every page with kwips has the key PEOPLE."""
    invalidate(pages=[PEOPLE])

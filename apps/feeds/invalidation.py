"""Purges timelines on events of kwips, and lists of followers on events of the graph; counts restorations."""

from collections.abc import Iterable, Mapping

from django.db import connection

from apps.accounts import events as accounts_events
from apps.accounts.keys import user_pages
from apps.feeds.keys import EVERYONE, OF_THE_DAY, tag_pages
from apps.feeds.statements import SQL
from apps.graph import events as graph_events
from apps.invalidation import invalidate
from apps.kwips import events
from apps.kwips.models import Kwip
from apps.kwips.queries import tags_of


def _purge(kwips: Iterable[Kwip], tags: Mapping[int, Iterable[str]]) -> None:
    """Purges the public timelines of these: everyone's, the author's, each tag's.

    A comment is only in the timelines of its tags, a followers-only kwip in none.
    """
    pages: set[str] = set()
    for kwip in kwips:
        if not kwip.followers_only:
            pages.update(map(tag_pages, tags.get(kwip.pk, ())))
            if kwip.thread_id is None:
                pages |= {EVERYONE, user_pages(kwip.author.username)}
    invalidate(pages=pages)


@events.published.within
@events.favourited.within
@events.unfavourited.within
@events.shared.within
@events.unshared.within
def on_changed(event: events.Published | events.Favourited | events.Shared) -> None:
    _purge([event.kwip], {event.kwip.pk: event.tags})


@events.commented.within
def on_commented(event: events.Commented) -> None:
    tags = {event.thread.pk: event.threads_tags, event.comment.pk: event.tags}
    _purge([event.thread, event.comment], tags)


@events.edited.within
def on_edited(event: events.Edited) -> None:
    """The comments quote the kwip, and are in the timelines of their tags."""
    _purge([event.kwip, *event.comments], {**tags_of(*event.comments), event.kwip.pk: event.tags})


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    _purge([*event.kwips, *event.threads], event.tags)


@events.narrowed.within
def on_narrowed(event: events.Narrowed) -> None:
    invalidate(pages=[EVERYONE, user_pages(event.author.username), *map(tag_pages, event.tags)])


@events.imported.within
def on_imported(event: events.Imported) -> None:
    """They are older than kwips of kept first pages, and yet new."""
    _purge(event.kwips, event.tags)
    on_restored(event)


@events.day_changed.within
def on_day_changed(event: events.DayChanged) -> None:
    invalidate(pages=[OF_THE_DAY])


@events.pinned.within
def on_pinned(event: events.Pinned) -> None:
    invalidate(pages=[user_pages(event.person.username)])


@graph_events.followed.within
@graph_events.unfollowed.within
def on_followed(event: graph_events.Pair) -> None:
    invalidate(pages=[user_pages(event.follower.username), user_pages(event.followee.username)])


@events.restored.within
@accounts_events.switched_on.within
def on_restored(_: object) -> None:
    """Kwips became visible again to everyone: no kept first page is usable."""
    with connection.cursor() as cursor:
        SQL.statement("count_restoration").execute(cursor, {})


@accounts_events.profile_changed.within
def on_profile_changed(event: accounts_events.ProfileChanged) -> None:
    """After `User.save`, as in the admin."""
    if "is_active" in event.fields and event.user.is_active:
        on_restored(event)

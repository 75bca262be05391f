"""Purges timelines on events of kwips, and lists of followers on events of the graph."""

from collections.abc import Iterable, Mapping

from apps.accounts.keys import user_pages
from apps.feeds.keys import EVERYONE, OF_THE_DAY, tag_pages
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
def on_published(event: events.Published) -> None:
    _purge([event.kwip], {event.kwip.pk: event.tags})


@events.commented.within
def on_commented(event: events.Commented) -> None:
    tags = tags_of(event.thread)
    _purge([event.thread, event.comment], {**tags, event.comment.pk: event.tags})


@events.edited.within
def on_edited(event: events.Edited) -> None:
    """The comments quote the kwip, and are in the timelines of their tags."""
    _purge([event.kwip, *event.comments], {**tags_of(*event.comments), event.kwip.pk: event.tags})


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    _purge([*event.kwips, *event.threads], event.tags)


@events.favourited.within
@events.unfavourited.within
def on_favourited(event: events.Favourited) -> None:
    _purge([event.kwip], tags_of(event.kwip))


@events.day_changed.within
def on_day_changed(event: events.DayChanged) -> None:
    invalidate(pages=[OF_THE_DAY])


@graph_events.followed.within
@graph_events.unfollowed.within
def on_followed(event: graph_events.Pair) -> None:
    invalidate(pages=[user_pages(event.follower.username), user_pages(event.followee.username)])

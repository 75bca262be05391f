"""Timelines as Atom documents, for feed readers: what strangers see of them, whoever asks."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import Http404, HttpRequest
from django.utils.feedgenerator import Atom1Feed
from django.utils.translation import gettext as _

from apps.accounts import freshness
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.feeds import queries
from apps.feeds.queries import Timeline
from apps.kwips.queries import Card, cards
from apps.kwips.text import tag_name
from apps.pagecache import public_page


class Document(Atom1Feed):
    def latest_post_date(self) -> datetime.datetime:
        # Django says "now" of a document without entries: it would be another one each second.
        return (
            super().latest_post_date() if self.items else datetime.datetime(2008, 1, 1, tzinfo=datetime.UTC)
        )


class TimelineFeed(Feed, ABC):
    """The newest twenty kwips of a timeline; long ones are folded, as in its page's lists."""

    feed_type = Document

    @abstractmethod
    def timeline(self, obj: Any) -> Timeline:
        """What strangers see of it."""

    @abstractmethod
    def path(self, obj: Any) -> str:
        """The page that this is the feed of."""

    def link(self, obj: Any) -> str:
        return settings.SITE_URL + self.path(obj)

    def feed_url(self, obj: Any) -> str:
        return f"{self.link(obj)}feed.atom"

    def feed_guid(self, obj: Any) -> str:
        return self.link(obj)

    def items(self, obj: Any) -> Sequence[Card]:
        return cards([entry.id for entry in self.timeline(obj).page({})])

    def item_title(self, item: Card) -> str:
        return item.excerpt

    def item_description(self, item: Card) -> str:
        # Readers show it elsewhere: what leads to places here has to say where that is.
        html = item.html.replace('href="/', f'href="{settings.SITE_URL}/')
        more = f'<p><a href="{self.item_link(item)}">{_("… more")}</a></p>' if item.is_folded else ""
        return html + more

    def item_link(self, item: Card) -> str:
        return settings.SITE_URL + item.url

    item_guid = item_link

    def item_author_name(self, item: Card) -> str:
        return item.name

    def item_author_link(self, item: Card) -> str:
        return f"{settings.SITE_URL}/{item.username}/"

    def item_pubdate(self, item: Card) -> datetime.datetime:
        return item.created_at

    def item_updateddate(self, item: Card) -> datetime.datetime:
        return item.edited_at or item.created_at


@public_page(freshness.EVERYONE, freshness.PEOPLE, passing=())
class EveryoneFeed(TimelineFeed):
    def title(self) -> str:
        return _("everyone on %s") % settings.SITE_NAME

    def path(self, obj: Any) -> str:
        return "/everyone/"

    def timeline(self, obj: Any) -> Timeline:
        return queries.everyone(viewer_id=None)


@public_page(freshness.user_pages("{username}"), freshness.PEOPLE, passing=())
class PersonFeed(TimelineFeed):
    def get_object(self, request: HttpRequest, username: str) -> User:
        found = person(username)
        if found.username != username:
            raise Http404
        return found

    def title(self, obj: User) -> str:
        return f"{obj.name} (@{obj.username})"

    def subtitle(self, obj: User) -> str:
        return obj.bio

    def path(self, obj: User) -> str:
        return obj.get_absolute_url()

    def timeline(self, obj: User) -> Timeline:
        return queries.person(viewer_id=None, person_id=obj.pk)


@public_page(freshness.tag_pages("{name}"), freshness.PEOPLE, passing=())
class TagFeed(TimelineFeed):
    def get_object(self, request: HttpRequest, name: str) -> str:
        if tag_name(name) != name:
            raise Http404
        return name

    def title(self, obj: str) -> str:
        return f"#{obj}"

    def path(self, obj: str) -> str:
        return f"/tag/{obj}/"

    def timeline(self, obj: str) -> Timeline:
        return queries.tag(viewer_id=None, name=obj)

    def items(self, obj: str) -> Sequence[Card]:
        if not (found := super().items(obj)):
            raise Http404  # as its page
        return found

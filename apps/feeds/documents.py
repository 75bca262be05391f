"""Timelines as Atom documents, for feed readers: what anonymous visitors see of them, for members too."""

import datetime
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from django.conf import settings
from django.contrib.syndication.views import Feed
from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseNotModified,
    HttpResponsePermanentRedirect,
)
from django.utils.feedgenerator import Atom1Feed
from django.utils.html import escape
from django.utils.translation import gettext as _
from django.utils.xmlutils import SimplerXMLGenerator

from apps.accounts.keys import PEOPLE, user_pages
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.feeds import queries
from apps.feeds.keys import EVERYONE, tag_pages
from apps.feeds.queries import Timeline
from apps.kwips.models import TEXT_LIMIT
from apps.kwips.queries import Card, cards
from apps.kwips.text import tag_name, tags
from apps.kwips.visibility import Visible
from apps.pagecache import is_unmodified, public_page
from apps.plaintext import preserve_spaces, safe

# Of the newest kwips so many characters together are given whole, and no more than so many bytes of XML; what
# does not fit is folded. With twenty folded ones a document stays below 1.5 MB, whatever was written.
WHOLE_CHARACTERS = 100_000
WHOLE_BYTES = 1_000_000
# BCP 47 for a language that can't be told: without it an entry would take the site's.
UNDETERMINED = "und"


class _Writer(SimplerXMLGenerator):
    """Writes U+FFFD for what XML forbids: one character of one person must not break a document for all."""

    def characters(self, content: str) -> None:
        super().characters(safe(content))

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - the library's name
        cleaned: Any = {key: safe(str(value)) for key, value in attrs.items()}
        super().startElement(name, cleaned)


class Document(Atom1Feed):
    def write(self, outfile: Any, encoding: str) -> None:
        # As Django's, with another writer.
        writer = _Writer(outfile, encoding, short_empty_elements=True)
        writer.startDocument()
        writer.startElement("feed", self.root_attributes())
        self.add_root_elements(writer)
        self.write_items(writer)
        writer.endElement("feed")

    def item_attributes(self, item: dict[str, Any]) -> dict[str, str]:
        return {"xml:lang": item["language"]}

    def add_item_elements(self, handler: Any, item: dict[str, Any]) -> None:
        super().add_item_elements(handler, item)
        handler.addQuickElement("content", item["content"], {"type": "html"})

    def latest_post_date(self) -> datetime.datetime:
        # Django says "now" of a document without entries: it would be another one each second.
        return (
            super().latest_post_date() if self.items else datetime.datetime(2008, 1, 1, tzinfo=datetime.UTC)
        )


class Elsewhere(Exception):
    """The document has another address: that of its page in its one spelling."""

    def __init__(self, page: str) -> None:
        self.address = f"{page}feed.atom"


@dataclass(frozen=True, slots=True)
class Entry:
    """A kwip of a document. ``content`` is HTML that says where it leads: readers show it elsewhere."""

    card: Card
    content: str


def entries(ids: Sequence[Visible]) -> Iterator[Entry]:
    """The kwips of ``ids`` with their whole text, or as much of it as there is room for."""
    shown = cards(ids)
    whole = {card.id: card for card in _whole([card.id for card in shown if card.is_folded])}
    characters, room = WHOLE_CHARACTERS, WHOLE_BYTES
    for card in shown:
        long = whole.get(card.id)
        if long is not None and len(long.text) <= characters:
            content = _for_elsewhere(long.whole_html)
            characters -= len(long.text)
            # As it stands in the document, where it is escaped once more.
            size = len(escape(content).encode())
            if size <= room:
                room -= size
                yield Entry(long, content)
                continue
        yield Entry(card, _for_elsewhere(card.html) + _more(card))


def _whole(ids: Sequence[Visible]) -> list[Card]:
    return cards(ids, characters=TEXT_LIMIT)


def _for_elsewhere(html: str) -> str:
    return preserve_spaces(html).replace('href="/', f'href="{settings.SITE_URL}/')


def _more(card: Card) -> str:
    label = _("… more")
    return f'<p><a href="{settings.SITE_URL}{card.url}">{label}</a></p>' if card.is_folded else ""


class TimelineFeed(Feed, ABC):
    """The newest twenty kwips of a timeline, whole where there is room."""

    feed_type = Document
    # The words stand in `content`.
    item_description = None  # type: ignore[assignment]

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = super().__call__(request, *args, **kwargs)
        except Elsewhere as elsewhere:
            return HttpResponsePermanentRedirect(quote(elsewhere.address))
        asked = "" if "If-None-Match" in request.headers else request.headers.get("If-Modified-Since", "")
        return HttpResponseNotModified() if is_unmodified(response.items(), asked) else response

    @abstractmethod
    def timeline(self, obj: Any) -> Timeline:
        """What anonymous visitors see of it."""

    @abstractmethod
    def path(self, obj: Any) -> str:
        """The page that this is the feed of."""

    def link(self, obj: Any) -> str:
        return settings.SITE_URL + self.path(obj)

    def feed_url(self, obj: Any) -> str:
        return f"{self.link(obj)}feed.atom"

    def feed_guid(self, obj: Any) -> str:
        return self.link(obj)

    def items(self, obj: Any) -> list[Entry]:
        return list(entries([entry.id for entry in self.timeline(obj).page({})]))

    def item_title(self, item: Entry) -> str:
        return item.card.excerpt

    def item_extra_kwargs(self, item: Entry) -> dict[str, str]:
        return {"content": item.content, "language": item.card.language or UNDETERMINED}

    def item_categories(self, item: Entry) -> list[str]:
        return tags(item.card.text)

    def item_link(self, item: Entry) -> str:
        return settings.SITE_URL + item.card.url

    item_guid = item_link

    def item_author_name(self, item: Entry) -> str:
        return item.card.name

    def item_author_link(self, item: Entry) -> str:
        return f"{settings.SITE_URL}/{item.card.username}/"

    def item_pubdate(self, item: Entry) -> datetime.datetime:
        return item.card.created_at

    def item_updateddate(self, item: Entry) -> datetime.datetime:
        return item.card.edited_at or item.card.created_at


@public_page(EVERYONE, PEOPLE, uncached_query=())
class EveryoneFeed(TimelineFeed):
    def title(self) -> str:
        return _("everyone on %s") % settings.SITE_NAME

    def path(self, obj: Any) -> str:
        return "/everyone/"

    def timeline(self, obj: Any) -> Timeline:
        return queries.everyone(viewer_id=None)


@public_page(user_pages("{username}"), PEOPLE, uncached_query=())
class PersonFeed(TimelineFeed):
    def get_object(self, request: HttpRequest, username: str) -> User:
        found = person(username)
        if found.username != username:
            raise Elsewhere(found.get_absolute_url())
        return found

    def title(self, obj: User) -> str:
        return f"{obj.name} (@{obj.username})"

    def subtitle(self, obj: User) -> str | None:
        return obj.bio or None

    def path(self, obj: User) -> str:
        return obj.get_absolute_url()

    def timeline(self, obj: User) -> Timeline:
        return queries.person(viewer_id=None, person_id=obj.pk)


@public_page(tag_pages("{name}"), PEOPLE, uncached_query=())
class TagFeed(TimelineFeed):
    def get_object(self, request: HttpRequest, name: str) -> str:
        if (canonical := tag_name(name)) != name:
            raise Elsewhere(f"/tag/{canonical}/")
        return name

    def title(self, obj: str) -> str:
        return f"#{obj}"

    def path(self, obj: str) -> str:
        return f"/tag/{obj}/"

    def timeline(self, obj: str) -> Timeline:
        return queries.tag(viewer_id=None, name=obj)

    def items(self, obj: str) -> list[Entry]:
        if not (found := super().items(obj)):
            raise Http404  # as its page
        return found

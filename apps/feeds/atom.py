"""Timelines as Atom documents: what anonymous visitors see, for members too."""

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
from django.utils.html import escape, format_html
from django.utils.translation import gettext as _
from django.utils.xmlutils import SimplerXMLGenerator

from apps.accounts.keys import PEOPLE, user_pages
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.feeds import queries
from apps.feeds.keys import EVERYONE, tag_pages
from apps.feeds.queries import Timeline
from apps.kwips import formatting
from apps.kwips.models import TEXT_LIMIT
from apps.kwips.queries import Card, cards
from apps.kwips.text import tag_name
from apps.kwips.visibility import Visible
from apps.pagecache import is_unmodified, public_page
from apps.plaintext import preserve_spaces, safe

# The whole texts of a document have at most so many characters and bytes of XML together; other texts are
# folded. With twenty folded ones a document stays below 1.5 MB.
WHOLE_CHARACTERS = 100_000
WHOLE_BYTES = 1_000_000
UNDETERMINED = "und"  # BCP 47 for an unknown language; without it an entry has the site's


class _Writer(SimplerXMLGenerator):
    """Replaces characters that XML forbids by U+FFFD."""

    def characters(self, content: str) -> None:
        super().characters(safe(content))

    def startElement(self, name: str, attrs: Any) -> None:  # noqa: N802 - the library's name
        cleaned: Any = {key: safe(str(value)) for key, value in attrs.items()}
        super().startElement(name, cleaned)


class Document(Atom1Feed):
    def write(self, outfile: Any, encoding: str) -> None:
        # Django's method, with another writer.
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
        if item["note"]:
            handler.addQuickElement("summary", item["note"], {"type": "text"})
        handler.addQuickElement("content", item["content"], {"type": "html"})

    def latest_post_date(self) -> datetime.datetime:
        if self.items:
            return super().latest_post_date()
        # Django's "now" would change the document each second.
        return datetime.datetime(2008, 1, 1, tzinfo=datetime.UTC)


class Moved(Exception):
    """The document has another, canonical address."""

    def __init__(self, page: str) -> None:
        self.address = f"{page}feed.atom"


@dataclass(frozen=True, slots=True)
class Entry:
    """A kwip of a document. ``content`` is HTML with absolute links."""

    card: Card
    content: str


def entries(ids: Sequence[Visible]) -> Iterator[Entry]:
    """The kwips of ``ids``, with their whole texts while the limits allow it, then folded."""
    shown = cards(ids)
    folded = [card.id for card in shown if card.is_folded and not card.content_note]
    whole = {card.id: card for card in cards(folded, characters=TEXT_LIMIT)}
    characters, room = WHOLE_CHARACTERS, WHOLE_BYTES
    for card in shown:
        long = whole.get(card.id)
        if long is not None and len(long.text) <= characters:
            content = _with_absolute_links(long.whole_html)
            characters -= len(long.text)
            size = len(escape(content).encode())  # the document escapes it again
            if size <= room:
                room -= size
                yield Entry(long, content + _pictures(card))
                continue
        # Programs show what a document has: what stands behind a note is not in it.
        html = f"<p>{escape(card.content_note)}</p>" if card.content_note else _with_absolute_links(card.html)
        yield Entry(card, html + _more(card) + ("" if card.content_note else _pictures(card)))


def _with_absolute_links(html: str) -> str:
    return preserve_spaces(html).replace('href="/', f'href="{settings.SITE_URL}/')


def _pictures(card: Card) -> str:
    """The pictures below the text; sensitive ones are links."""
    lines = [
        format_html(
            '<p><a href="{}">{}</a></p>' if card.is_sensitive else '<p><img src="{}" alt="{}"></p>',
            picture.absolute,
            picture.alt or (_("a sensitive picture") if card.is_sensitive else ""),
        )
        for picture in card.pictures
    ]
    return "".join(lines)


def _more(card: Card) -> str:
    label = _("… more")
    return (
        f'<p><a href="{settings.SITE_URL}{card.url}">{label}</a></p>'
        if card.is_folded or card.content_note
        else ""
    )


class TimelineFeed(Feed, ABC):
    """The first page of a timeline."""

    feed_type = Document
    item_description = None  # type: ignore[assignment] # `content` has the text

    def __call__(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            response = super().__call__(request, *args, **kwargs)
        except Moved as moved:
            return HttpResponsePermanentRedirect(quote(moved.address))
        since = "" if "If-None-Match" in request.headers else request.headers.get("If-Modified-Since", "")
        return HttpResponseNotModified() if is_unmodified(response.items(), since) else response

    @abstractmethod
    def timeline(self, obj: Any) -> Timeline:
        """The timeline of an anonymous viewer."""

    @abstractmethod
    def path(self, obj: Any) -> str:
        """The page of the timeline."""

    def link(self, obj: Any) -> str:
        return settings.SITE_URL + self.path(obj)

    def feed_url(self, obj: Any) -> str:
        return f"{self.link(obj)}feed.atom"

    feed_guid = link

    def items(self, obj: Any) -> list[Entry]:
        return list(entries([entry.id for entry in self.timeline(obj).page({})]))

    def item_title(self, item: Entry) -> str:
        return item.card.excerpt

    def item_extra_kwargs(self, item: Entry) -> dict[str, str]:
        language = item.card.language or UNDETERMINED
        return {"content": item.content, "language": language, "note": item.card.content_note}

    def item_categories(self, item: Entry) -> list[str]:
        return formatting.tags_and_mentions(item.card.text, formatted=item.card.is_formatted)[0]

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
            raise Moved(found.get_absolute_url())
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
            raise Moved(f"/tag/{canonical}/")
        return name

    def title(self, obj: str) -> str:
        return f"#{obj}"

    def path(self, obj: str) -> str:
        return f"/tag/{obj}/"

    def timeline(self, obj: str) -> Timeline:
        return queries.tag(viewer_id=None, name=obj)

    def items(self, obj: str) -> list[Entry]:
        if not (found := super().items(obj)):
            raise Http404  # as the page of the tag
        return found

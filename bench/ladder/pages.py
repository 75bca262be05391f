"""The pages that are measured: lists as `timelines.py` reads them, in the templates of the site.

They have the site's public declarations, so that its page cache can be added to them.
"""

from typing import Any, cast

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404

from apps.accounts.keys import BIOS, PEOPLE, user_pages
from apps.accounts.links import of as profile_links
from apps.accounts.members import MemberRequest, viewer_id
from apps.accounts.queries import person as find_person
from apps.feeds import conversation_views, previews, queries
from apps.feeds.keys import EVERYONE, OF_THE_DAY
from apps.feeds.side import follows, side
from apps.fragments import render
from apps.kwips import cards as kwip_cards
from apps.kwips import talk
from apps.kwips.cards import Kind
from apps.kwips.keys import kwip_pages
from apps.kwips.queries import cards, visible_kwip
from apps.messages.queries import reach
from apps.pagecache import public_page
from apps.policy.keys import POLICY
from bench.ladder import orm
from bench.ladder.timelines import Listing, is_on

# A page by number is not cached, as a page by cursor is not.
UNCACHED = ("before", "after", "page")


@public_page(EVERYONE, PEOPLE, POLICY, OF_THE_DAY, uncached_query=UNCACHED)
def home(request: HttpRequest) -> HttpResponse:
    viewer = viewer_id(request)
    if viewer is None:
        return _list(request, "feeds/landing.html", _everyone(None), **side(None))
    count = cast("MemberRequest", request).user.following_count
    timeline = queries.network(viewer_id=viewer, following_count=count)
    listing = Listing(viewer, orm.network(viewer), timeline)
    nothing: dict[str, Any] = {"first_follows": (), "writers": ()}
    return _list(request, "feeds/network.html", listing, **nothing, **side(viewer))


@public_page(EVERYONE, PEOPLE, POLICY, uncached_query=UNCACHED)
def everyone(request: HttpRequest) -> HttpResponse:
    viewer = viewer_id(request)
    return _list(request, "feeds/everyone.html", _everyone(viewer), newcomers=[], **side(viewer))


def _everyone(viewer: int | None) -> Listing:
    return Listing(viewer, orm.everyone(viewer), queries.everyone(viewer_id=viewer), "everyone")


@public_page(user_pages("{username}"), PEOPLE, POLICY, uncached_query=UNCACHED)
def person(request: HttpRequest, username: str) -> HttpResponse:
    viewer, who = viewer_id(request), find_person(username)
    timeline = queries.person(viewer_id=viewer, person_id=who.pk)
    listing = Listing(viewer, orm.person(viewer, who.pk), timeline, "person", (("person", who.pk),))
    reached = reach(viewer, who.pk)
    context = {
        "pinned": (),
        "links": profile_links(who.pk),
        "thanks": None,
        "person": who,
        "beginning": "",
        "preview": previews.person_path(who),
        "is_self": who.pk == viewer,
        "is_following": reached is not None and reached.is_followed,
        "is_asked": reached is not None and reached.is_asked,
        "reach": reached,
    }
    return _list(request, "feeds/person.html", listing, **context, **follows(who, viewer))


def _list(request: HttpRequest, template: str, listing: Listing, **context: Any) -> HttpResponse:
    page = queries.shown(listing.page(request.GET), listing.viewer_id)
    return render(request, template, {"page": page, "sort": "", "news": "", **context})


@public_page(kwip_pages("{kwip_id}"), PEOPLE, POLICY, BIOS, uncached_query=UNCACHED)
def kwip(request: HttpRequest, username: str, kwip_id: int) -> HttpResponse:
    """A kwip with its conversation, for anonymous visitors; a member gets the site's own page."""
    if request.user.is_authenticated:
        return conversation_views.kwip(request, username, kwip_id)
    timeline = queries.conversation(viewer_id=None, thread_id=kwip_id)
    whole, card = _whole(kwip_id)
    page = Listing(None, orm.comments(None, kwip_id), timeline).page(request.GET)
    comments = talk.shown(page.items, None, is_first=page.is_first)
    context = {
        "page": page.with_items(comments.items),
        "faces": comments.faces,
        "newest": "",
        "kwip": card,
        "comments_count": card.comments_count,
        "whole": whole,
        "preview": previews.kwip_path(card),
        "chooses": False,
    }
    return render(request, "feeds/kwip.html", context)


def _whole(kwip_id: int) -> tuple[list[bytes], Any]:
    """The card of the kwip that the page is about, and its facts."""
    if is_on("sql"):
        if (found := visible_kwip(kwip_id, None)) is None:
            raise Http404
        beginning = cards([found.visible])
        return kwip_cards.shown(beginning, None, Kind.WHOLE), beginning[0]
    found = get_object_or_404(orm.visible(None), pk=kwip_id, thread=None)
    [entry] = orm.entries([found], None)
    return kwip_cards.shown([entry], None, Kind.WHOLE), entry.card

"""The page of a kwip with its conversation."""

from collections.abc import Mapping
from typing import cast
from urllib.parse import parse_qsl

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_safe

from apps.accounts.keys import PEOPLE
from apps.accounts.members import MemberRequest, viewer_id
from apps.feeds import previews, queries
from apps.feeds.queries import Timeline
from apps.feeds.views import canonical_redirect
from apps.fragments import render
from apps.kwips import cards as kwip_cards
from apps.kwips import talk, tracking
from apps.kwips.cards import Kind
from apps.kwips.composing import answered
from apps.kwips.events import Visited, visited
from apps.kwips.keys import kwip_pages
from apps.kwips.models import Kwip
from apps.kwips.of_the_day import may_choose
from apps.kwips.queries import cards, is_gone, visible_kwip
from apps.kwips.tracking import Tracked
from apps.kwips.views import comment_form
from apps.pagecache import public_page
from apps.policy.keys import POLICY

MANY = 8  # comments on an only page, from which on it has a link to the newest


@public_page(kwip_pages("{kwip_id}"), PEOPLE, POLICY)
@require_safe
def kwip(request: HttpRequest, username: str, kwip_id: int) -> HttpResponse:
    """A kwip with its conversation. The address of a comment redirects to its page of the conversation.

    So does that of the kwip for a member who tracks it: to the first comment that they did not see.
    """
    viewer = viewer_id(request)
    found = visible_kwip(kwip_id, viewer)
    if found is None:
        if is_gone(kwip_id, viewer, username.lower()):
            return render(request, "410.html", status=410)
        raise Http404
    thread = found.thread or found
    timeline = queries.conversation(viewer_id=viewer, thread_id=thread.pk)
    address = f"/{thread.author.username}/kwip/{thread.pk}/"
    if thread is not found:
        return redirect(f"{address}{queries.place_in(timeline, found.pk)}#kwip-{found.pk}")
    if moved := canonical_redirect(request, address):
        return moved
    tracked = tracking.tracked(found, request.user) if request.user.is_authenticated else None
    if tracked and (unseen := _unseen(request, timeline, tracked)):
        return redirect(f"{address}{unseen}#new")
    return _page(request, found, timeline, tracked)


def _unseen(request: HttpRequest, timeline: Timeline, tracked: Tracked) -> str:
    """Where the first unseen comment is; "" if there is none, or the request asks for a page."""
    if request.GET or not tracked.seen or not tracked.has_later:
        return ""
    return queries.place_after(timeline, tracked.seen.id)


def _page(request: HttpRequest, found: Kwip, timeline: Timeline, tracked: Tracked | None) -> HttpResponse:
    viewer = viewer_id(request)
    if request.user.is_authenticated:
        # Before the page is read: a comment that the page does not show notifies.
        visited.emit(Visited(request.user, found.pk))
    beginning = cards([found.visible])
    if not (whole := kwip_cards.shown(beginning, viewer, Kind.WHOLE)):
        raise Http404  # deleted at this moment
    [card] = beginning
    page = timeline.page(_asked_for(request, found, timeline))
    seen = tracked.seen if tracked else None
    comments = talk.shown(page.items, viewer, seen=seen, is_first=page.is_first, is_last=not page.next)
    if tracked and request.user.is_authenticated:
        tracking.see(kwip=found, user=request.user, tracked=tracked, newest=comments.newest)
    is_only = page.is_first and not page.next
    context = {
        "page": page.with_items(comments.items),
        "faces": comments.faces,
        "newest": _newest(timeline, has_next=bool(page.next), shown=len(page)),
        "kwip": card,
        # The counter includes comments that the viewer may not see.
        "comments_count": comments.number if is_only else card.comments_count,
        "whole": whole,
        "preview": previews.kwip_path(card),
        **(_members_part(cast("MemberRequest", request), found, tracked) if tracked else {}),
        "chooses": not card.followers_only and request.user.is_authenticated and may_choose(request.user),
    }
    return render(request, "feeds/kwip.html", context)


def _asked_for(request: HttpRequest, thread: Kwip, timeline: Timeline) -> Mapping[str, str]:
    """The arguments of the page; with ``?answers=ID`` alone, of the page that has this comment."""
    if not request.user.is_authenticated or set(request.GET) != {"answers"}:
        return request.GET
    found = answered(request.GET["answers"], thread, request.user.pk)
    return dict(parse_qsl(queries.place_in(timeline, found.pk)[1:])) if found else request.GET


def _newest(timeline: Timeline, *, has_next: bool, shown: int) -> str:
    """The address of the newest comment from this page; "" where it is near."""
    if has_next:
        return f"{queries.newest_of(timeline)}#newest"
    return "#newest" if shown >= MANY else ""


def _members_part(request: MemberRequest, thread: Kwip, tracked: Tracked) -> dict[str, object]:
    """What the page of a kwip has for members only: never in a card, nor on a public page."""
    return {
        "form": comment_form(request, thread, tracked.choice),
        "is_tracking": tracked.is_on,
        "is_pinned": tracked.is_pinned,
    }

"""The pages of timelines. Each has one canonical address; other spellings of it redirect there."""

from typing import Any
from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_safe

from apps.accounts.keys import BIOS, PEOPLE, user_pages
from apps.accounts.links import of as profile_links
from apps.accounts.members import MemberRequest, members_only, viewer_id
from apps.accounts.models import User
from apps.accounts.queries import person as find_person
from apps.feeds import looks, previews, queries, unseen
from apps.feeds.keys import EVERYONE, OF_THE_DAY, tag_pages
from apps.feeds.newcomers import newcomers
from apps.feeds.queries import Timeline
from apps.feeds.side import follows, side
from apps.feeds.statements import Entry
from apps.feeds.suggestions import first_follows
from apps.fragments import render
from apps.graph import queries as graph
from apps.keyset import Page
from apps.kwips.queries import cards
from apps.kwips.text import excerpt, tag_name
from apps.kwips.thanks import of as thanks_of
from apps.messages.queries import reach
from apps.pagecache import public_page
from apps.policy.keys import POLICY

WELCOMED_BY = 5  # people to follow, shown to a new member
SORTS = {"sort": (queries.ACTIVE,)}


@public_page(EVERYONE, PEOPLE, POLICY, OF_THE_DAY)
@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """The network of a member; the landing page for anonymous visitors."""
    if not request.user.is_authenticated:
        context = _first(request, queries.everyone(viewer_id=None), "/everyone/new/")
        context |= side(None)
        of_the_day = queries.shown(queries.of_the_day().page({}, limit=1), None)
        # Not twice on one page: the ids of its elements would not be unique.
        others = [card for card in context["page"].items if card not in of_the_day.items]
        context |= {"of_the_day": of_the_day, "page": context["page"].with_items(others)}
        return _list(request, "feeds/landing.html", context)
    viewer = request.user
    timeline = queries.network(
        viewer_id=viewer.pk, following_count=viewer.following_count, sort=_sort(request)
    )
    page = timeline.page(request.GET)
    context = _first(request, timeline, "/network/new/", page)
    if not page.is_first or _is_part(request):
        return _list(request, "feeds/network.html", context | {"first_follows": (), "writers": ()})
    look = looks.at(request, viewer, page)
    suggested = first_follows(viewer) if _is_alone(viewer, page) else []
    context |= {"first_follows": suggested, "writers": look.writers, **side(viewer.pk)}
    response = render(request, "feeds/network.html", context)
    looks.remember(response, look)
    return response


@public_page(EVERYONE, PEOPLE, POLICY, allowed_query=SORTS)
@require_safe
def everyone(request: HttpRequest) -> HttpResponse:
    timeline = queries.everyone(viewer_id=viewer_id(request), sort=_sort(request))
    context = _first(request, timeline, "/everyone/new/")
    is_newest = context["page"].is_first and not timeline.sort
    context["newcomers"] = newcomers(viewer_id(request)) if is_newest else []
    context |= side(viewer_id(request)) if context["page"].is_first else {}
    return _list(request, "feeds/everyone.html", context)


@require_safe
def everyone_news(request: HttpRequest) -> HttpResponse:
    return _news(request, queries.everyone(viewer_id=viewer_id(request), sort=_sort(request)))


@require_safe
def network_news(request: HttpRequest) -> HttpResponse:
    if not request.user.is_authenticated:
        raise Http404
    viewer = request.user
    timeline = queries.network_unseen(
        viewer_id=viewer.pk, following_count=viewer.following_count, sort=_sort(request)
    )
    return _news(request, timeline)


@require_safe
@members_only
def welcome(request: MemberRequest) -> HttpResponse:
    """First steps of a new member: profile, first kwip, people to follow."""
    onward = request.GET.get("next", "")
    is_safe = onward.startswith("/") and url_has_allowed_host_and_scheme(onward, allowed_hosts=None)
    suggested = [] if request.user.following_count else first_follows(request.user)
    context = {
        "first_follows": suggested,
        "writers": [] if suggested else _writers(request.user.pk),
        "next": onward if is_safe else "",
    }
    return render(request, "feeds/welcome.html", context)


def _writers(viewer: int) -> list[tuple[User, bool, bool]]:
    """Who wrote just now; whether the viewer follows them, or asked to."""
    entries = queries.everyone(viewer_id=viewer).page({})
    writers = dict.fromkeys(card.author_id for card in cards([entry.id for entry in entries]))
    found = User.objects.in_bulk([writer for writer in writers if writer != viewer])
    followed = graph.followed_among(viewer, found)
    asked = graph.asked_among(viewer, found.values())
    return [(found[pk], pk in followed, pk in asked) for pk in writers if pk in found][:WELCOMED_BY]


@public_page(tag_pages("{name}"), PEOPLE, POLICY)
@require_safe
def tag(request: HttpRequest, name: str) -> HttpResponse:
    canonical = tag_name(name)
    if moved := canonical_redirect(request, f"/tag/{canonical}/"):
        return moved
    timeline = queries.tag(viewer_id=viewer_id(request), name=canonical)
    shown = _page(request, timeline)
    # 404 for a tag without kwips: else every word would be a page to cache and to index.
    unused = not shown["page"] and shown["page"].is_first
    return _list(request, "feeds/tag.html", {**shown, "tag": canonical}, status=404 if unused else 200)


@public_page(user_pages("{username}"), PEOPLE, POLICY, allowed_query=SORTS)
@require_safe
def person(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/"):
        return moved
    viewer = viewer_id(request)
    timeline = queries.person(viewer_id=viewer, person_id=who.pk, sort=_sort(request))
    page = timeline.page(request.GET)
    # The pinned kwip stands above the first page, and not a second time on it.
    pinned = (
        queries.pinned(viewer_id=viewer, person_id=who.pk).page({}, limit=1) if page.is_first else Page([])
    )
    top = {entry.id for entry in pinned}
    reached = reach(viewer, who.pk)
    context = {
        "page": queries.shown(page.with_items([entry for entry in page if entry.id not in top]), viewer),
        "pinned": queries.shown(pinned, viewer),
        "sort": timeline.sort,
        "links": profile_links(who.pk),
        "thanks": thanks_of(request.user) if request.user.is_authenticated and who.pk == viewer else None,
        "person": who,
        "beginning": excerpt(who.bio, words=300, characters=280),
        "preview": previews.person_path(who),
        "is_self": who.pk == viewer,
        "is_following": reached is not None and reached.is_followed,
        "is_asked": reached is not None and reached.is_asked,
        "reach": reached,
    }
    if page.is_first and (not who.is_private or context["is_self"] or context["is_following"]):
        context |= follows(who, viewer)
    return _list(request, "feeds/person.html", context)


@require_safe
def favourites(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/favourites/"):
        return moved
    timeline = queries.favourites(viewer_id=viewer_id(request), person_id=who.pk)
    return _list(request, "feeds/favourites.html", {**_page(request, timeline), "person": who})


@require_safe
def shares(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/shares/"):
        return moved
    timeline = queries.shares(viewer_id=viewer_id(request), person_id=who.pk)
    return _list(request, "feeds/shares.html", {**_page(request, timeline), "person": who})


@require_safe
@members_only
def bookmarks(request: MemberRequest) -> HttpResponse:
    """The member's own bookmarks; no one else's have an address."""
    shown = _page(request, queries.bookmarks(viewer_id=request.user.pk))
    return _list(request, "feeds/bookmarks.html", shown)


@require_safe
def comments(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/comments/"):
        return moved
    timeline = queries.comments(viewer_id=viewer_id(request), person_id=who.pk)
    return _list(request, "feeds/comments.html", {**_page(request, timeline), "person": who})


@public_page(user_pages("{username}"), PEOPLE, POLICY, BIOS)
@require_safe
def followers(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/followers/"):
        return moved
    viewer = viewer_id(request)
    shown = graph.shows_follows(who, viewer)
    page = graph.followers(who.pk, request.GET, viewer_id=viewer) if shown else None
    return render(request, "feeds/followers.html", {"person": who, "page": page})


@public_page(user_pages("{username}"), PEOPLE, POLICY, BIOS)
@require_safe
def following(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/following/"):
        return moved
    viewer = viewer_id(request)
    shown = graph.shows_follows(who, viewer)
    page = graph.following(who.pk, request.GET, viewer_id=viewer) if shown else None
    return render(request, "feeds/following.html", {"person": who, "page": page})


def _page(request: HttpRequest, timeline: Timeline) -> dict[str, Any]:
    page = timeline.page(request.GET)
    return {"page": queries.shown(page, viewer_id(request)), "sort": timeline.sort}


def _first(
    request: HttpRequest, timeline: Timeline, news: str, page: Page[Entry] | None = None
) -> dict[str, Any]:
    """A page, with the address ``news`` of the count of new kwips where the page has one."""
    page = page or timeline.page(request.GET)
    cursor = unseen.watch_cursor(timeline, page)
    return {
        "page": queries.shown(page, viewer_id(request)),
        "sort": timeline.sort,
        "news": _news_address(news, timeline, cursor) if cursor else "",
    }


def _list(request: HttpRequest, template: str, context: dict[str, Any], *, status: int = 200) -> HttpResponse:
    """A page; with ``?part=list`` only its kwips and the links around them, which a script adds to a page."""
    if _is_part(request):
        template, context = "feeds/part.html", {"page": context["page"]}
    return render(request, template, context, status=status)


def _news(request: HttpRequest, timeline: Timeline) -> HttpResponse:
    """How many kwips are new; with ``?part=list`` these kwips, and the address that asks for newer ones."""
    cursor = request.GET.get("after", "")
    if _is_part(request):
        new = unseen.entries_since(timeline, cursor)
        page = queries.shown(Page(new.items), viewer_id(request))
        address = _news_address(request.path, timeline, new.cursor)
        return render(request, "feeds/part.html", {"page": page, "news": address})
    count = unseen.since(timeline, cursor)
    return JsonResponse({"count": count.count, "more": count.more, "label": count.label})


def _news_address(path: str, timeline: Timeline, cursor: str) -> str:
    return f"{path}?sort={timeline.sort}&after={cursor}" if timeline.sort else f"{path}?after={cursor}"


def _is_alone(viewer: User, page: Page[Entry]) -> bool:
    """Whether this page of the viewer's network has only kwips of their own."""
    return not viewer.following_count or all(
        entry.author and entry.author[0] == viewer.username and not entry.shared_by for entry in page
    )


def _is_part(request: HttpRequest) -> bool:
    return request.GET.get("part") == "list"


def _sort(request: HttpRequest) -> str:
    return queries.ACTIVE if request.GET.get("sort") == queries.ACTIVE else ""


def canonical_redirect(request: HttpRequest, path: str) -> HttpResponsePermanentRedirect | None:
    """A redirect to the canonical ``path`` with the query, None if the request has that path."""
    if request.path == path:
        return None
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(quote(path) + (f"?{query}" if query else ""))

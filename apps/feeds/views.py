"""The pages of timelines. Each has one canonical address; other spellings of it redirect there."""

from urllib.parse import quote

from django.http import Http404, HttpRequest, HttpResponse, HttpResponsePermanentRedirect
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.members import viewer_id
from apps.accounts.queries import person as find_person
from apps.feeds import queries
from apps.graph.queries import is_following
from apps.kwips.forms import CommentForm, KwipForm
from apps.kwips.queries import cards, is_gone, marked, visible_kwip
from apps.kwips.text import tag_name


def _at(request: HttpRequest, path: str) -> HttpResponsePermanentRedirect | None:
    """A redirect to the canonical ``path``, its query kept; None where the request is there already."""
    if request.path == path:
        return None
    query = request.META.get("QUERY_STRING", "")
    return HttpResponsePermanentRedirect(quote(path) + (f"?{query}" if query else ""))


def _sort(request: HttpRequest) -> str:
    sort = request.GET.get("sort", "")
    return sort if sort in queries.SORTS else ""


@require_safe
def home(request: HttpRequest) -> HttpResponse:
    """A member's network; for everybody else, what kwippy is and what everyone kwips."""
    if not request.user.is_authenticated:
        page = queries.everyone(request.GET, viewer_id=None)
        return render(request, "feeds/landing.html", {"page": queries.shown(page, None)})
    viewer, sort = request.user, _sort(request)
    page = queries.network(
        request.GET, viewer_id=viewer.pk, following_count=viewer.following_count, sort=sort
    )
    context = {"page": queries.shown(page, viewer.pk), "form": KwipForm(), "sort": sort}
    return render(request, "feeds/network.html", context)


@require_safe
def everyone(request: HttpRequest) -> HttpResponse:
    viewer, sort = viewer_id(request), _sort(request)
    page = queries.everyone(request.GET, viewer_id=viewer, sort=sort)
    return render(request, "feeds/everyone.html", {"page": queries.shown(page, viewer), "sort": sort})


@require_safe
def tag(request: HttpRequest, name: str) -> HttpResponse:
    canonical = tag_name(name)
    if elsewhere := _at(request, f"/tag/{canonical}/"):
        return elsewhere
    viewer = viewer_id(request)
    page = queries.tag(request.GET, viewer_id=viewer, name=canonical)
    return render(request, "feeds/tag.html", {"tag": canonical, "page": queries.shown(page, viewer)})


@require_safe
def person(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if elsewhere := _at(request, f"/{who.username}/"):
        return elsewhere
    viewer, sort = viewer_id(request), _sort(request)
    page = queries.person(request.GET, viewer_id=viewer, person_id=who.pk, sort=sort)
    context = {
        "person": who,
        "page": queries.shown(page, viewer),
        "sort": sort,
        "is_self": who.pk == viewer,
        "is_following": is_following(viewer, who.pk),
    }
    return render(request, "feeds/person.html", context)


@require_safe
def favourites(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if elsewhere := _at(request, f"/{who.username}/favourites/"):
        return elsewhere
    viewer = viewer_id(request)
    page = queries.favourites(request.GET, viewer_id=viewer, person_id=who.pk)
    return render(request, "feeds/favourites.html", {"person": who, "page": queries.shown(page, viewer)})


@require_safe
def comments(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if elsewhere := _at(request, f"/{who.username}/comments/"):
        return elsewhere
    viewer = viewer_id(request)
    page = queries.comments(request.GET, viewer_id=viewer, person_id=who.pk)
    return render(request, "feeds/comments.html", {"person": who, "page": queries.shown(page, viewer)})


@require_safe
def kwip(request: HttpRequest, username: str, kwip_id: int) -> HttpResponse:
    """A kwip, whole, with its conversation. A comment's address leads to its place in the conversation."""
    viewer = viewer_id(request)
    found = visible_kwip(kwip_id, viewer)
    if found is None:
        if is_gone(kwip_id, username.lower()):
            return render(request, "410.html", status=410)
        raise Http404(_("there is no such kwip here."))
    if found.thread is not None:
        place = queries.place_in_conversation(found.pk, viewer_id=viewer, thread_id=found.thread.pk)
        return redirect(f"/{found.thread.author.username}/kwip/{found.thread.pk}/{place}#kwip-{found.pk}")
    if elsewhere := _at(request, f"/{found.author.username}/kwip/{found.pk}/"):
        return elsewhere
    shown = marked(cards([found.pk], whole=True), viewer)
    if not shown:
        raise Http404(_("there is no such kwip here."))
    page = queries.conversation(request.GET, viewer_id=viewer, thread_id=found.pk)
    context = {
        "kwip": shown[0],
        "page": queries.shown(page, viewer),
        "form": CommentForm() if viewer else None,
    }
    return render(request, "feeds/kwip.html", context)

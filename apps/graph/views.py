"""Following and unfollowing; requests to follow."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST, require_safe

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.graph import actions, queries


@require_POST
@members_only
def follow(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    followee = person(username)
    if followee.is_private and not (decision := _hit_request(request.user, followee)):
        return limits.refuse_click(request, decision)
    try:
        counts = actions.follow(follower=request.user, followee=followee)
    except actions.FollowsTooMany:
        why = _("you follow %d people, that's as many as one can read.") % actions.FOLLOWING_LIMIT
        return _refused(request, followee, why)
    except actions.AsksTooMany:
        why = _("you asked %d people already. wait for some of them?") % actions.REQUESTS_LIMIT
        return _refused(request, followee, why)
    except actions.CannotFollow:
        if followee.pk == request.user.pk:
            return _refused(request, followee, _("you can't follow yourself, but we like the spirit :)"))
        if queries.blocks(request.user.pk, followee.pk):
            return _refused(request, followee, _("you block them. to follow them, unblock them first."))
        # A blocked person is told nothing: as if there was no such address.
        raise Http404 from None
    if counts.is_asking:
        said = _("asked. it's theirs to say yes.")
        return _counted(request, followee, counts, label=_("take back your request"), said=said)
    return _counted(request, followee, counts, label=_("stop following"))


def _hit_request(asker: User, asked: User) -> limits.Decision:
    """Counts a request to follow, and how often it is made again; none for a follower's click."""
    if queries.followed_among(asker.pk, [asked.pk]) or queries.asked_among(asker.pk, [asked]):
        return limits.Decision()
    decision = limits.hit("ask_again", asker.pk, asked.pk)
    return limits.hit("ask", asker.pk) if decision else decision


@require_POST
@members_only
def unfollow(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    followee = person(username)
    return _counted(request, followee, actions.unfollow(follower=request.user, followee=followee))


@require_safe
@members_only
def requests(request: MemberRequest) -> HttpResponse:
    page = queries.requests_to(request.user.pk, request.GET)
    return render(request, "graph/requests.html", {"page": page, "most": actions.ACCEPTED_AT_ONCE})


@require_safe
@members_only
def sent_requests(request: MemberRequest) -> HttpResponse:
    page = queries.requests_of(request.user.pk, request.GET)
    return render(request, "graph/requests.html", {"page": page, "is_sent": True})


@require_POST
@members_only
def accept(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    asker = person(username)
    try:
        is_accepted = actions.accept(asked=request.user, asker=asker)
    except actions.FollowsTooMany:
        messages.error(request, _("%s follows as many people as one can read.") % asker.name)
    else:
        if is_accepted:
            messages.success(request, _("%s follows you now :)") % asker.name)
        elif not queries.followed_among(asker.pk, [request.user.pk]):
            messages.info(request, _("%s took the request back.") % asker.name)
    return redirect(back_to(request, "/requests/"))


@require_POST
@members_only
def refuse(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    actions.refuse(asked=request.user, asker=person(username))
    messages.success(request, _("done. we don't tell them."))
    return redirect(back_to(request, "/requests/"))


@require_POST
@members_only
def accept_all(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    number = actions.accept_all(asked=request.user)
    said = ngettext("one person follows you now :)", "%d people follow you now :)", number)
    messages.success(request, said % number if number != 1 else said)
    return redirect("follow_requests")


def _counted(request: HttpRequest, followee: User, counts: actions.Counts, **said: str) -> HttpResponse:
    """The changed counters as JSON for the script, with what the button says; a redirect without it."""
    if not limits.prefers_json(request):
        return HttpResponseRedirect(back_to(request, f"/{followee.username}/"))
    followers = ngettext("follower", "followers", counts.followers)
    # The word beside the second number does not change with it.
    moved = {"followers": [counts.followers, followers], "following": [counts.following]}
    return JsonResponse({"moved": moved, **said}, json_dumps_params={"separators": (",", ":")})


def _refused(request: HttpRequest, followee: User, why: str) -> HttpResponse:
    if limits.prefers_json(request):
        return JsonResponse({"error": why}, status=409)
    messages.error(request, why)
    return HttpResponseRedirect(back_to(request, f"/{followee.username}/"))


def back_to(request: HttpRequest, otherwise: str) -> str:
    """The path of this site that the form says to return to."""
    back = request.POST.get("next", "")
    safe = back.startswith("/") and url_has_allowed_host_and_scheme(back, allowed_hosts=None)
    return back if safe else otherwise

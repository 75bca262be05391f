"""Following and unfollowing."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.accounts.queries import person
from apps.graph import actions
from apps.graph.queries import blocks


@require_POST
@members_only
def follow(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    followee = person(username)
    try:
        counts = actions.follow(follower=request.user, followee=followee)
    except actions.FollowsTooMany:
        why = _("you follow %d people, that's as many as one can read.") % actions.FOLLOWING_LIMIT
        return _refused(request, followee, why)
    except actions.CannotFollow:
        if followee.pk == request.user.pk:
            return _refused(request, followee, _("you can't follow yourself, but we like the spirit :)"))
        if blocks(request.user.pk, followee.pk):
            return _refused(request, followee, _("you block them. to follow them, unblock them first."))
        # A blocked person is told nothing: as if there was no such address.
        raise Http404 from None
    return _counted(request, followee, counts)


@require_POST
@members_only
def unfollow(request: MemberRequest, username: str) -> HttpResponse:
    if not (decision := limits.hit("follow", request.user.pk)):
        return limits.refuse_click(request, decision)
    followee = person(username)
    return _counted(request, followee, actions.unfollow(follower=request.user, followee=followee))


def _counted(request: HttpRequest, followee: User, counts: actions.Counts) -> HttpResponse:
    """The changed counters as JSON for the script, or a redirect without it."""
    if not limits.prefers_json(request):
        return HttpResponseRedirect(back_to(request, f"/{followee.username}/"))
    followers = ngettext("follower", "followers", counts.followers)
    moved = {"followers": [counts.followers, followers], "following": [counts.following, _("following")]}
    return JsonResponse({"moved": moved})


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

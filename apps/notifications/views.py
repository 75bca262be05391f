"""The page of a member's notices."""

from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from apps.accounts.members import MemberRequest, members_only
from apps.accounts.time_zones import zone
from apps.kwips.converters import kwip_id_of
from apps.notifications import actions, preferences, queries


@require_safe
@members_only
def notifications(request: MemberRequest) -> HttpResponse:
    """Opening the first page marks all notices as seen; this page still shows which are new."""
    is_first = not request.GET.keys() & {"before", "after"}
    new = actions.mark_seen(user=request.user) if is_first else []
    page = queries.notices(request.user, request.GET, new=new)
    chosen = preferences.of(request.user)
    reply = preferences.refused_reply(request.user, chosen) if is_first else ""
    context = {"page": page, "refused_reply": reply, "zone": zone(chosen.time_zone)}
    return render(request, "notifications/notifications.html", context)


@require_POST
@members_only
def clear(request: MemberRequest) -> HttpResponse:
    """Clears what the page showed, not what came since."""
    newest = kwip_id_of(request.POST.get("newest"))
    if newest is not None:
        actions.clear(user=request.user, newest=newest)
    return redirect("notifications")


@require_safe
@members_only
def message(request: MemberRequest, message_id: int) -> HttpResponse:
    """What an operator wrote to the viewer."""
    found = queries.message_to(request.user, message_id)
    if found is None:
        raise Http404
    return render(request, "notifications/message.html", {"message": found})

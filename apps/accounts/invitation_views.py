"""A member's own invitations, and the page that an invitation's link opens."""

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts import invitations, sign_ups
from apps.accounts.forms import InvitationForm
from apps.accounts.members import MemberRequest, members_only

PAGE = "accounts/invitations.html"


@never_cache
@members_only
def own(request: MemberRequest) -> HttpResponse:
    """Lists the member's invitations, and makes one. Its link is shown once: only a hash is stored."""
    form = InvitationForm(request.POST or None)
    if request.method != "POST":
        return render(request, PAGE, _context(request) | {"form": form})
    if not form.is_valid():
        return render(request, PAGE, _context(request) | {"form": form}, status=422)
    if not (decision := limits.hit("invite", request.user.pk)):
        return limits.refuse(request, decision, PAGE, form, **_context(request))
    try:
        token = invitations.invite(inviter=request.user, **form.cleaned_data)
    except invitations.TooMany:
        decision.refund()
        form.add_error(
            None,
            _("%d are out already. take one back, or wait until somebody comes.") % settings.INVITATIONS_OPEN,
        )
        return render(request, PAGE, _context(request) | {"form": form}, status=422)
    link = settings.SITE_URL + reverse("invitation", args=[token])
    return render(request, PAGE, _context(request) | {"form": InvitationForm(), "link": link})


@require_POST
@members_only
def revoke(request: MemberRequest, invitation_id: int) -> HttpResponse:
    invitations.revoke(inviter=request.user, invitation_id=invitation_id)
    messages.success(request, _("taken back. that link leads nowhere now."))
    return redirect("invitations")


@never_cache
def opened(request: HttpRequest, token: str) -> HttpResponse:
    """Shows who invites, and the note. A POST stores the invitation for the sign-up form.

    A GET changes nothing: programs follow links in mail and chats.
    """
    invitation = invitations.by_token(token)
    if invitation is None:
        return render(request, "accounts/invitation.html", status=404)
    if request.method == "POST" and not request.user.is_authenticated:
        invitations.store(request, invitation)
        return redirect("account_signup")
    context = {"invitation": invitation, "is_closed": not sign_ups.admits(is_invited=True)}
    return render(request, "accounts/invitation.html", context)


def _context(request: MemberRequest) -> dict[str, object]:
    return {
        "opened": invitations.opened_by(request.user),
        "page": invitations.taken_from(request.user, request.GET),
        "most": settings.INVITATIONS_OPEN,
    }

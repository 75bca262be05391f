"""Where a member is signed in."""

from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps.accounts.devices import device
from apps.accounts.members import MemberRequest, members_only


class SessionsView(ListUserSessionsView):
    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        context: dict[str, object] = super().get_context_data(**kwargs)
        for session in context["sessions"]:  # type: ignore[attr-defined]
            session.device = device(session.user_agent)
        return context


sessions = SessionsView.as_view()


@require_POST
@members_only
def end(request: MemberRequest, session_id: int) -> HttpResponse:
    """Ends one of the member's other sessions; one that has ended already is no error."""
    session = UserSession.objects.filter(pk=session_id, user=request.user).first()
    if session is not None and session.is_current():
        return redirect("account_logout")
    if session is not None:
        session.end()
    messages.success(request, _("signed out there."))
    return redirect("usersessions_list")

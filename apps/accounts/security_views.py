"""What the security log has about the person who is signed in."""

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from apps.accounts.members import MemberRequest, members_only
from apps.securitylog import queries
from apps.securitylog.models import DAYS


@require_safe
@members_only
def own(request: MemberRequest) -> HttpResponse:
    page = queries.of_person(request.user.pk, request.GET)
    return render(request, "accounts/security.html", {"page": page, "days": DAYS})

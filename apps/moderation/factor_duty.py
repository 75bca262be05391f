"""Who has a role needs a second factor: after some days without one, the pages of their role are closed.

The days count from when the site first saw the role: by `note_all`, each hour, or by a visit. So they begin
with the release that brought this, and for the first operator of a new site with `createsuperuser`.
"""

import datetime

from allauth.mfa.models import Authenticator
from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.tasks import task
from django.utils import timezone
from django.utils.translation import gettext as _

from apps.accounts import reauthentication
from apps.accounts.browsers import FACTORS
from apps.accounts.models import User
from apps.limits import prefers_json
from apps.moderation.models import FactorDuty
from apps.moderation.roles import with_role
from apps.securitylog import forbidden


def due_at(person: User) -> datetime.datetime | None:
    """When the pages close, or closed. None for a person who has a second factor."""
    if Authenticator.objects.filter(user=person, type__in=FACTORS).exists():
        return None
    since = FactorDuty.objects.filter(person=person).values_list("since", flat=True).first()
    if since is None:
        since = timezone.now()
        FactorDuty.objects.bulk_create([FactorDuty(person=person, since=since)], ignore_conflicts=True)
    return since + datetime.timedelta(days=settings.STAFF_FACTOR_DAYS)


def refusal(request: HttpRequest) -> HttpResponse | None:
    """The page in place of one of the role, once the days are over. Before, pages say what comes."""
    due = due_at(request.user)  # type: ignore[arg-type]
    if due is None:
        return None
    if due > timezone.now():
        request.factor_due_at = due  # type: ignore[attr-defined]
        return None
    forbidden.note(request, "no second factor")
    if prefers_json(request):
        link = {"href": "/accounts/2fa/", "label": _("set it up")}
        return JsonResponse({"error": _("first you need a second factor."), "link": link}, status=403)
    text = "\n\n".join(value for _name, value in reauthentication.sent(request) if value)
    return render(request, "moderation/factor_needed.html", {"text": text}, status=403)


@task(queue_name="bulk")
def note_all() -> int:
    """Notes who has a role now, and forgets who has none any more. Returns how many are new."""
    with transaction.atomic():
        FactorDuty.objects.exclude(person__in=with_role().values("pk")).delete()
        new = list(with_role().exclude(pk__in=FactorDuty.objects.values("pk")))
        FactorDuty.objects.bulk_create([FactorDuty(person=person) for person in new], ignore_conflicts=True)
    return len(new)


def without_factor() -> list[str]:
    """The names of those who have a role and no second factor."""
    safe = Authenticator.objects.filter(type__in=FACTORS).values("user")
    return list(with_role().exclude(pk__in=safe).order_by("username").values_list("username", flat=True))

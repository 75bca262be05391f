"""The pages that stop a reset of the second factors: by the link in the mail, and in the settings."""

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from apps.accounts import factor_resets
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import FactorReset, User
from apps.accounts.views import Link


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def stay(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail. A GET changes nothing: mail scanners follow links."""
    return _page(request, factor_resets.by_token(token), way="the link in the mail")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def own(request: MemberRequest) -> HttpResponse:
    return _page(request, factor_resets.waiting(request.user), way="the settings")


def link(person: User) -> Link | None:
    """On the settings page, while a reset waits."""
    if factor_resets.waiting(person) is None:
        return None
    return Link(reverse("factor_reset"), _("your second factor will be taken off: stop it?"))


def _page(request: HttpRequest, reset: FactorReset | None, *, way: str) -> HttpResponse:
    if reset is not None and request.method == "POST":
        if factor_resets.cancel(person_id=reset.pk, way=way):
            messages.success(request, _("stopped. your second factor stays as it is."))
            return redirect("settings" if request.user.pk == reset.pk else "/")
        reset = None
    context = {"reset": reset, "path": request.path}
    return render(request, "accounts/factor_reset.html", context, status=200 if reset else 410)

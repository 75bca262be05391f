"""Pages for members: who is not one (any more) is asked to sign in, and loses nothing that they typed."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.limits import prefers_json


class MemberRequest(HttpRequest):
    """A request of somebody who is signed in."""

    user: User


def viewer_id(request: HttpRequest) -> int | None:
    """The id of whoever is looking, or None for someone not signed in."""
    return request.user.pk


def members_only[**P](
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Sends others to sign in. A form they sent (the session ran out) comes back with its text, as a 403."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return view(cast("MemberRequest", request), *args, **kwargs)
        if request.method == "POST" and prefers_json(request):
            door = {"href": reverse("account_login"), "label": _("sign in")}
            return JsonResponse({"error": _("you are signed out."), "link": door}, status=403)
        if request.method == "POST":
            text = request.POST.get("text") or request.POST.get("bio") or ""
            context = {"text": text, "next": request.path if "text" in request.POST else "/"}
            return render(request, "accounts/signed_out.html", context, status=403)
        return redirect_to_login(request.get_full_path())

    return checked

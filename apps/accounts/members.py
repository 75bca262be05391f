"""Access to views for signed-in users; a form sent after the session expired keeps its text."""

from collections.abc import Callable
from functools import wraps
from typing import Concatenate, cast

from django.contrib.auth.views import redirect_to_login
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from apps.accounts.models import User
from apps.accounts.returned_words import typed
from apps.limits import prefers_json


class MemberRequest(HttpRequest):
    """A request of a signed-in user."""

    user: User


def viewer_id(request: HttpRequest) -> int | None:
    """The id of the signed-in user, or None for an anonymous visitor."""
    return request.user.pk


def signed_out(request: HttpRequest) -> HttpResponse:
    """The answer to a form whose session has ended meanwhile: the words of it, and the way in."""
    context = {"text": typed(request), "next": request.path if "text" in request.POST else "/"}
    return render(request, "accounts/signed_out.html", context, status=403)


def members_only[**P](
    view: Callable[Concatenate[MemberRequest, P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
    """Redirects anonymous visitors to the sign-in page; a POST gets a 403 that contains its text."""

    @wraps(view)
    def checked(request: HttpRequest, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
        if request.user.is_authenticated:
            return view(cast("MemberRequest", request), *args, **kwargs)
        if request.method == "POST" and prefers_json(request):
            door = {"href": reverse("account_login"), "label": _("sign in")}
            return JsonResponse({"error": _("you are signed out."), "link": door}, status=403)
        if request.method == "POST":
            return signed_out(request)
        return redirect_to_login(request.get_full_path())

    return checked

"""Asks for the password again before what matters most, unless it was given within the last 15 minutes.

    GET   ─▶ allauth's page, which leads back
    POST  ─▶ `accounts/still_you.html` in place of the answer: it asks, and holds what was sent as hidden
             fields. Its form goes to the same address, so the view gets all of it. Nothing is stored.

Which addresses ask is declared in ``kwippy/asking.py``. A sign-in counts like an answer to the question.
"""

import time
from typing import Any

from allauth.account import app_settings
from allauth.account.adapter import get_adapter
from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY, get_authentication_records
from allauth.account.internal.flows.reauthentication import reauthenticate_by_password
from allauth.mfa import app_settings as mfa_settings
from allauth.mfa.base.forms import ReauthenticateForm as AllauthsCodeForm
from allauth.usersessions.models import UserSession
from allauth.utils import get_form_class
from django.contrib import messages
from django.db import transaction
from django.forms import BaseForm
from django.http import HttpRequest, HttpResponse, JsonResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.http import urlencode
from django.utils.translation import gettext as _

from apps import limits
from apps.accounts.auth_forms import ReauthenticateForm
from apps.securitylog import forbidden

# Of the fields that the page adds.
PREFIX = "again"
# allauth appends each answer to the session: the newest of them is all that is read.
MOST_RECORDS = 10
SAFE = ("GET", "HEAD", "OPTIONS")


def is_recent(request: HttpRequest) -> bool:
    """Whether this browser gave a password or a second factor within the last 15 minutes."""
    records = get_authentication_records(request, request.user)
    newest = max((record["at"] for record in records), default=0.0)
    return bool(time.time() - newest < app_settings.REAUTHENTICATION_TIMEOUT)


def keep_newest(sender: object, request: HttpRequest, **_details: object) -> None:
    """A receiver of allauth's `authentication_step_completed`: bounds what a session has."""
    records = request.session[AUTHENTICATION_METHODS_SESSION_KEY]
    request.session[AUTHENTICATION_METHODS_SESSION_KEY] = records[-MOST_RECORDS:]


def renew_key(sender: object, request: HttpRequest, **done: object) -> None:
    """A receiver of the same: after an answer the session goes on under a new key, and the old one ends."""
    if not done.get("reauthenticated"):
        return
    before = request.session.session_key
    with transaction.atomic():
        request.session.cycle_key()
        # The site's session engine has done this; Django's engine, in the stock settings, has not.
        listed = UserSession.objects.filter(session_key=before)
        listed.update(session_key=request.session.session_key)


def ask(request: HttpRequest) -> HttpResponse | None:
    """The page that asks, or None if the view may answer a signed-in member."""
    if is_recent(request):
        return None
    ways = get_adapter(request).get_reauthentication_methods(request.user)
    if not ways:
        messages.info(request, _("for this you need a password. set one: we mail you a link."))
        return redirect("account_reset_password")
    if request.method in SAFE:
        return redirect(_back(ways[0]["url"], request.get_full_path()))
    if limits.prefers_json(request):
        forbidden.excuse(request)
        link = {"href": _back(ways[0]["url"], "/"), "label": _("it's me")}
        return JsonResponse({"error": _("is it still you?"), "link": link}, status=403)
    return _ask_in_place(request, ways)


def sent(request: HttpRequest) -> list[tuple[str, str]]:
    """The fields of the form that was sent, without passwords and without what the page adds."""
    return [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if "password" not in name and name != "csrfmiddlewaretoken" and not name.startswith(f"{PREFIX}-")
    ]


def _ask_in_place(request: HttpRequest, ways: list[dict[str, str]]) -> HttpResponse | None:
    forms = [kind(request) for way in ways if (kind := _FORMS.get(way["id"]))]
    status = 403
    try:
        if any(form.is_bound and form.is_valid() and _accept(request, form) for form in forms):
            _take_out_answer(request)
            return None
    except limits.Busy:
        messages.error(request, _("many people come in at the moment. once more, please?"))
        status = 503
    context = {
        "forms": forms,
        "others": [way for way in ways if way["id"] not in _FORMS],
        "sent": sent(request),
        "has_files": bool(request.FILES),
    }
    forbidden.excuse(request)
    return render(request, "accounts/still_you.html", context, status=status)


def _by_password(request: HttpRequest) -> BaseForm:
    return _optional(ReauthenticateForm(_answer(request, "password"), user=request.user, prefix=PREFIX))


def _by_code(request: HttpRequest) -> BaseForm:
    """The form that the settings name: it knows how the secrets are kept."""
    kind = get_form_class(mfa_settings.FORMS, "reauthenticate", AllauthsCodeForm)
    return _optional(kind(_answer(request, "code"), user=request.user, prefix=PREFIX))


def _optional[Form: BaseForm](form: Form) -> Form:
    form.use_required_attribute = False  # browsers would insist on both
    return form


# By the names that allauth gives the ways. A passkey needs a page of its own.
_FORMS = {"reauthenticate": _by_password, "mfa_reauthenticate": _by_code}


def _answer(request: HttpRequest, field: str) -> QueryDict | None:
    """What was sent, if the field was filled in: one of the two is enough."""
    return request.POST if request.POST.get(f"{PREFIX}-{field}") else None


def _accept(request: HttpRequest, form: Any) -> bool:
    if "code" in form.fields:
        form.save()
    else:
        reauthenticate_by_password(request)
    return True


def _take_out_answer(request: HttpRequest) -> None:
    """From here on nothing reads the password: no view, and no report of an error."""
    fields = request.POST.copy()
    for name in [name for name in fields if name.startswith(f"{PREFIX}-")]:
        del fields[name]
    request.POST = fields  # type: ignore[assignment]


def _back(way: str, path: str) -> str:
    return f"{way}?{urlencode({'next': path})}"

"""Error pages. None shows a traceback; those for a failed form give back the text that was typed."""

import sys

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps.accounts.returned_words import typed
from apps.keyset import BadCursor
from apps.limits import prefers_json
from apps.securitylog import Event, refusals
from apps.securitylog.forbidden import excuse, note
from kwippy.observability import metrics

# Forms that a member is redirected from.
_SIGN_IN_PATHS = ("/accounts/login/", "/accounts/signup/")

log = structlog.get_logger("kwippy.errors")

# Django's errors for a PostgreSQL that is down, and for statements and locks that timed out.
DOWN = (OperationalError, InterfaceError)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    if isinstance(exception, RequestDataTooBig):
        return HttpResponse(loader.get_template("413.html").render(), status=413)
    return HttpResponse(loader.get_template("400.html").render(), status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "403.html", {"why": _why(exception)}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    return render(request, "404.html", {"why": _why(exception)}, status=404)


def _why(exception: Exception) -> str:
    """The exception's message, if this project raised it. A library's message could contain a path."""
    if isinstance(exception, BadCursor):
        return _("that place in the list can't be found. its first page is still there.")
    raised = exception.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    module = raised.tb_frame.f_globals.get("__name__", "") if raised else ""
    is_ours = module.startswith(("apps.", "kwippy."))
    return str(exception) if is_ours and exception.args and isinstance(exception.args[0], str) else ""


def too_many(request: HttpRequest) -> HttpResponse:
    """A limit of allauth refused the request. It does not say for how long; its shortest span is a minute."""
    metrics.count_refusal("allauth")
    refusals.record_refusal("allauth")
    response = render(request, "429.html", status=429)
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    exception = sys.exception()  # Django calls this while it handles one
    if isinstance(exception, DOWN):
        return unavailable(request, exception)
    return HttpResponse(loader.get_template("500.html").render(), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form that was loaded before signing in or out, or on another site. Its text is given back.

    A member who sends the sign-in form of a second tab is redirected to where it leads.
    """
    # What follows in Django's words can be an address of another site, or of a page here.
    note(request, reason.partition(" - ")[0], event=Event.FORM_REFUSED)
    if prefers_json(request):
        return JsonResponse({"error": _("this page is from before you signed in. reload it?")}, status=403)
    if request.user.is_authenticated and request.path in _SIGN_IN_PATHS:
        excuse(request)
        onward = request.POST.get("next", "")
        is_safe = onward.startswith("/") and url_has_allowed_host_and_scheme(onward, allowed_hosts=None)
        return redirect(onward if is_safe else "/")
    context = {"text": typed(request), "no_cookies": not request.COOKIES}
    return render(request, "403_csrf.html", context, status=403)


def unavailable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """PostgreSQL is down or too slow: a 503 with the text that was typed."""
    log.error("database unavailable", path=request.path, error=str(exception).strip())
    return _try_again(request, seconds=5)


def busy(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Too many such requests at once for the memory: a 503 with the text that was typed."""
    log.warning("busy", path=request.path, error=str(exception))
    response = _try_again(request, seconds=3)
    # Django logs each 503 as an error, and errors are mailed: mark it as logged.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _try_again(request: HttpRequest, *, seconds: int) -> HttpResponse:
    response = HttpResponse(loader.get_template("503.html").render({"text": typed(request)}), status=503)
    response["Retry-After"] = str(seconds)
    return response

"""Pages for what went wrong. None shows a traceback; all keep what was typed."""

import sys

import structlog
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import redirect, render
from django.template import loader
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _

from apps.keyset import BadCursor
from apps.limits import prefers_json
from kwippy import metrics

# Forms that do nothing for a member but lead on.
_ENTRANCES = ("/accounts/login/", "/accounts/signup/")

log = structlog.get_logger("kwippy.errors")

# What Django raises where PostgreSQL can't be reached, went away, or gave up on a statement or a lock.
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
    """What the exception says to visitors: nothing where a library raised it, whose words may hold a path."""
    if isinstance(exception, BadCursor):
        return _("that place in the list can't be found. its first page is still there.")
    raised = exception.__traceback__
    while raised is not None and raised.tb_next is not None:
        raised = raised.tb_next
    module = raised.tb_frame.f_globals.get("__name__", "") if raised else ""
    is_ours = module.startswith(("apps.", "kwippy."))
    return str(exception) if is_ours and exception.args and isinstance(exception.args[0], str) else ""


def too_many(request: HttpRequest) -> HttpResponse:
    """allauth's limits were met. It does not say for how long; its shortest span is a minute."""
    metrics.count_refusal("allauth")
    response = render(request, "429.html", status=429)
    response["Retry-After"] = "60"
    return response


def server_error(request: HttpRequest) -> HttpResponse:
    exception = sys.exception()  # Django calls this while it handles one
    if isinstance(exception, DOWN):
        return unavailable(request, exception)
    return HttpResponse(loader.get_template("500.html").render(), status=500)


def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """A form from before signing in or out, or from another site's page: its text comes back to be copied.

    The sign-in form of a second tab, sent by a member who signed in in the first, leads on.
    """
    if prefers_json(request):
        return JsonResponse({"error": _("this page is from before you signed in. reload it?")}, status=403)
    if request.user.is_authenticated and request.path in _ENTRANCES:
        onward = request.POST.get("next", "")
        is_safe = onward.startswith("/") and url_has_allowed_host_and_scheme(onward, allowed_hosts=None)
        return redirect(onward if is_safe else "/")
    context = {"text": typed(request), "no_cookies": not request.COOKIES}
    return render(request, "403_csrf.html", context, status=403)


def typed(request: HttpRequest) -> str:
    """What somebody wrote into a form of ours, to be copied; never a password."""
    fields = ("display_name", "bio", "name", "email", "subject", "text")
    return "\n\n".join(filter(None, (request.POST.get(field, "") for field in fields)))


def unavailable(request: HttpRequest, exception: Exception) -> HttpResponse:
    """PostgreSQL does not answer, or not in time: said plainly, with what was typed, to be sent again."""
    log.error("database unavailable", path=request.path, error=str(exception).strip())
    return _come_back(request, seconds=5)


def busy(request: HttpRequest, exception: Exception) -> HttpResponse:
    """More at once than there is memory for. The text that was typed is on the page, to be sent again."""
    log.warning("busy", path=request.path, error=str(exception))
    response = _come_back(request, seconds=3)
    # Django logs each 503 as an error, and errors are mailed.
    response._has_been_logged = True  # type: ignore[attr-defined]
    return response


def _come_back(request: HttpRequest, *, seconds: int) -> HttpResponse:
    response = HttpResponse(loader.get_template("503.html").render({"text": typed(request)}), status=503)
    response["Retry-After"] = str(seconds)
    return response

"""What members see of moderation: reports, warnings, why a kwip is hidden, appeals."""

from typing import Any

from django.contrib import messages as notices
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_safe

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.queries import person as find_person
from apps.kwips.converters import kwip_id_of
from apps.kwips.queries import visible_kwip
from apps.messages.queries import message as find_message
from apps.moderation import actions, appeals, cases, queries
from apps.moderation.cases import Thing
from apps.moderation.forms import AppealForm, ReportForm
from apps.moderation.models import APPEAL_DAYS, Reason

REPORT = "moderation/report.html"
WARNING = "moderation/warning.html"
APPEAL = "moderation/appeal.html"


@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def report_kwip(request: MemberRequest, kwip_id: int) -> HttpResponse:
    kwip = visible_kwip(kwip_id, request.user.pk)
    if kwip is None:
        raise Http404
    return _report(request, cases.of_kwip(kwip), f"/{kwip.author.username}/kwip/{kwip.pk}/")


@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def report_person(request: MemberRequest, username: str) -> HttpResponse:
    who = find_person(username)
    return _report(request, cases.of_person(who), who.get_absolute_url())


@require_http_methods(["GET", "HEAD", "POST"])
@members_only
def report_message(request: MemberRequest, username: str, message_id: int) -> HttpResponse:
    other = find_person(username)
    found = find_message(request.user, other, message_id)
    if found is None or found.is_mine:
        raise Http404
    return _report(request, cases.of_message(found), f"/messages/{other.username}/")


def _report(request: MemberRequest, thing: Thing, back: str) -> HttpResponse:
    """The form, or what comes of it. ``back`` is the page of the thing."""
    if thing.person_id == request.user.pk:
        raise Http404(_("that's you. no need to report yourself :)"))
    form = ReportForm(request.POST if request.method == "POST" else None)
    context: dict[str, Any] = {"thing": thing, "back": back}
    if not form.is_valid():
        status = 422 if request.method == "POST" else 200
        return render(request, REPORT, {"form": form} | context, status=status)
    if not (decision := limits.hit("report", request.user.pk)):
        return limits.refuse(request, decision, REPORT, form, **context)
    reason, words = Reason(form.cleaned_data["reason"]), form.cleaned_data["words"]
    if actions.report(thing=thing, reporter=request.user, reason=reason, words=words):
        notices.success(request, _("thank you. a person reads it, and you will hear what came of it."))
    else:
        decision.refund()
        notices.success(request, _("you reported it already. a person is on it."))
    return redirect(back)


@require_safe
@members_only
def reported(request: MemberRequest, case_id: int) -> HttpResponse:
    """What came of the member's report, not who acted; with the text as long as they may see it."""
    found = queries.outcome(case_id, request.user)
    if found is None:
        raise Http404
    report, outcome = found
    context = {"report": report, "outcome": outcome, "is_seen": queries.is_seen(report)}
    return render(request, "moderation/reported.html", context)


@members_only
def warning(request: MemberRequest) -> HttpResponse:
    """The member's unread warnings. A POST says that they are read."""
    if request.method == "POST":
        if newest := kwip_id_of(request.POST.get("newest")):
            actions.read_warnings(person=request.user, upto=newest)
        return redirect(_safe(request.POST.get("next", "")))
    return unread_warning(request) if request.user.has_warning else redirect("/")


def unread_warning(request: HttpRequest) -> HttpResponse:
    """The page in place of another one. A form that was sent keeps its text."""
    found = queries.warnings(request.user)  # type: ignore[arg-type]
    is_form = request.method == "POST"
    next_page = "/" if is_form or request.path == "/moderation/warning/" else request.get_full_path()
    context = {
        "warnings": found,
        "newest": found[-1].pk if found else 0,
        "text": request.POST.get("text", "") or request.POST.get("words", "") if is_form else "",
        "next": next_page,
    }
    return render(request, WARNING, context, status=403 if is_form else 200)


def _safe(path: str) -> str:
    is_safe = path.startswith("/") and url_has_allowed_host_and_scheme(path, allowed_hosts=None)
    return path if is_safe else "/"


@require_safe
@members_only
def why(request: MemberRequest, kwip_id: int) -> HttpResponse:
    """Why a moderator hid the member's kwip."""
    action = queries.why_hidden(kwip_id, request.user)
    if action is None:
        raise Http404
    path = appeals.path(action) if appeals.is_open(action) else ""
    return render(request, "moderation/why.html", {"action": action, "appeal_path": path})


@require_http_methods(["GET", "HEAD", "POST"])
def appeal(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail; the person need not be signed in."""
    action = appeals.by_token(token)
    if action is None:
        raise Http404
    form = AppealForm(request.POST if request.method == "POST" else None)
    context = {"action": action, "form": form, "path": request.path, "days": APPEAL_DAYS}
    if not appeals.is_open(action):
        context["form"], context["made"] = None, queries.appeal_of(action)
        return render(request, APPEAL, context, status=410)
    if not form.is_valid():
        return render(request, APPEAL, context, status=422 if request.method == "POST" else 200)
    try:
        actions.appeal(action=action, words=form.cleaned_data["words"])
    except actions.TooLate:
        return redirect(request.path)  # a double click
    return render(request, APPEAL, context | {"form": None, "made": queries.appeal_of(action)})

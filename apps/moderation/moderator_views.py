"""The pages of moderators: the queue, a case, a person. A 404 for everyone else."""

from typing import Any

from django.contrib import messages as notices
from django.http import Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from apps.accounts.members import MemberRequest
from apps.accounts.models import User
from apps.moderation import actions, queries
from apps.moderation.forms import ActForm, NoteForm
from apps.moderation.models import Case, Reason, What
from apps.moderation.roles import may_act, moderators_only

CASE = "moderation/case.html"


@require_safe
@moderators_only
def queue(request: MemberRequest) -> HttpResponse:
    return render(request, "moderation/queue.html", {"page": queries.queue(request.GET)})


@require_http_methods(["GET", "HEAD", "POST"])
@moderators_only
def case(request: MemberRequest, case_id: int) -> HttpResponse:
    """A case with its context. A POST acts."""
    found = queries.case(case_id)
    if found is None:
        raise Http404
    return _page(request, found.person, found, f"/moderation/{found.pk}/")


@require_http_methods(["GET", "HEAD", "POST"])
@moderators_only
def person(request: MemberRequest, username: str) -> HttpResponse:
    """A person without a case. A POST acts."""
    who = _person(username)
    return _page(request, who, None, f"/moderation/people/{who.username}/")


@require_POST
@moderators_only
def note(request: MemberRequest, username: str) -> HttpResponse:
    who = _person(username)
    form = NoteForm(request.POST)
    if not form.is_valid():
        return render(request, CASE, _context(request, who, None) | {"note_form": form}, status=422)
    actions.note(person=who, writer=request.user, text=form.cleaned_data["words"])
    notices.success(request, _("noted."))
    return redirect(f"/moderation/people/{who.username}/")


def _page(request: MemberRequest, who: User, found: Case | None, path: str) -> HttpResponse:
    context = _context(request, who, found) | {"path": path}
    if request.method != "POST":
        return render(request, CASE, context)
    form = ActForm(request.POST, allowed=list(What))
    if not form.is_valid():
        return render(request, CASE, context | {"form": form}, status=422)
    fields = form.cleaned_data
    try:
        actions.act(
            what=What(fields["what"]),
            person=who,
            by=request.user,
            reason=Reason(fields["reason"]),
            words=fields["words"],
            case=found,
            form_key=fields["form_key"],
        )
    except actions.NotAllowed:
        form.add_error(None, _("this is for another moderator, or for an operator."))
        return render(request, CASE, context | {"form": form}, status=403)
    except actions.NothingToDo:
        notices.info(request, _("that is done already."))
        return redirect(path)
    notices.success(request, _("done: %s.") % What(fields["what"]).label)
    return redirect("moderation" if found is not None and found.closed_at is None else path)


def _context(request: MemberRequest, who: User, found: Case | None) -> dict[str, Any]:
    context = queries.about_person(who) | (queries.about_case(found) if found else {})
    allowed = queries.possible(found, context) if may_act(request.user, who) else []
    reported = [report.reason for report in context.get("reports", ())]
    initial = {"reason": reported[0]} if reported else {}
    form = ActForm(allowed=allowed, initial=initial) if allowed else None
    path = f"/moderation/{found.pk}/" if found else f"/moderation/people/{who.username}/"
    return context | {"form": form, "note_form": NoteForm(auto_id="note_%s"), "path": path}


def _person(username: str) -> User:
    found = queries.person(username)
    if found is None:
        raise Http404
    return found

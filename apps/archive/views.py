"""The pages of export and import. Both are made of the rows that the commands move."""

from typing import NamedTuple

from django.contrib import messages
from django.http import FileResponse, Http404, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST, require_safe

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.archive import exporting, files, importing
from apps.archive.forms import ImportForm
from apps.archive.models import Export, Import
from apps.archive.registry import SECTIONS

IMPORT_PAGE = "archive/import.html"


class Step(NamedTuple):
    """A section of an export in the making."""

    title: str
    rows: int | None  # None: not begun
    is_current: bool


@members_only
def export(request: MemberRequest) -> HttpResponse:
    """The archive and its progress; a POST asks for a new one."""
    if request.method == "POST":
        return _ask(request)
    return render(request, "archive/export.html", _export_context(_export_of(request)))


def _ask(request: MemberRequest) -> HttpResponse:
    if (before := _export_of(request)) and before.state == Export.State.MAKING:
        return redirect("export")
    if not (decision := limits.hit("export", request.user.pk)):
        return limits.refuse_click(request, decision)
    _made, is_new = exporting.ask(person=request.user)
    if not is_new:
        decision.refund()
    return redirect("export")


def _export_of(request: MemberRequest) -> Export | None:
    return Export.objects.filter(person=request.user).first()


def _export_context(found: Export | None) -> dict[str, object]:
    if found and found.state == Export.State.READY and not _is_there(found):
        found = None
    steps = [
        Step(section.title, found.made.get(name, (0, None))[1], name == found.section)
        for name, section in (SECTIONS.items() if found else ())
        if found
    ]
    return {"export": found, "steps": steps, "done": sum(step.rows is not None for step in steps)}


def _is_there(found: Export) -> bool:
    return found.expires_at is not None and found.expires_at > timezone.now()


@require_safe
@members_only
def download(request: MemberRequest, export_id: int) -> HttpResponse:
    """The archive, for its owner, until it expires."""
    found = Export.objects.filter(pk=export_id, person=request.user, state=Export.State.READY).first()
    try:
        if found is None or not _is_there(found):
            raise FileNotFoundError
        file = files.archive_of(found.pk).open("rb")
    except FileNotFoundError:
        raise Http404(_("that archive is gone; a link is good for a day. ask for a new one?")) from None
    day = found.moved_at.date().isoformat()
    name = f"kwippy-{request.user.username}-{day}.zip"
    response: HttpResponse = FileResponse(file, as_attachment=True, filename=name)  # type: ignore[assignment]
    response["Cache-Control"] = "private, no-store"
    return response


@members_only
def import_(request: MemberRequest) -> HttpResponse:
    return render(request, IMPORT_PAGE, {"form": ImportForm(), **_import_context(request)})


@members_only
def upload(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("import")
    form = ImportForm(request.POST, request.FILES)
    if not form.is_valid():
        return render(request, IMPORT_PAGE, {"form": form, **_import_context(request)}, status=422)
    if not (decision := limits.hit("import", request.user.pk)):
        return limits.refuse(request, decision, IMPORT_PAGE, form, **_import_context(request))
    try:
        importing.receive(
            person=request.user, kind=form.cleaned_data["kind"], upload=form.cleaned_data["file"]
        )
    except importing.Busy:
        decision.refund()
        form.add_error(None, _("one is still being worked on. this one waits until that is done."))
    except OSError:
        decision.refund()
        form.add_error(None, _("we couldn't keep it just now; please try again later."))
    else:
        return redirect("import")
    return render(request, IMPORT_PAGE, {"form": form, **_import_context(request)}, status=409)


@require_POST
@members_only
def apply(request: MemberRequest) -> HttpResponse:
    """Applies what was checked."""
    if not importing.go_on(person=request.user):
        messages.info(request, _("there is nothing waiting to be imported."))
    return redirect("import")


def _import_context(request: MemberRequest) -> dict[str, object]:
    found = Import.objects.filter(person=request.user).first()
    if found is None:
        return {"found": None}
    total = sum(found.found.values())
    rows = [
        {
            "title": SECTIONS[section].title,
            "number": found.found[section],
            "outcomes": [
                (OUTCOMES.get(name, name), count)
                for name, count in sorted(found.outcomes.get(section, {}).items())
            ],
        }
        for section in SECTIONS
        if section in found.found
    ]
    problems = [
        {"title": SECTIONS[section].title, "about": about, "why": OUTCOMES.get(why, why)}
        for section, about, why in found.problems
        if section in SECTIONS
    ]
    return {"found": found, "total": total, "rows": rows, "problems": problems}


# How the page says what came of a row.
OUTCOMES = {
    "done": gettext_lazy("done"),
    "already": gettext_lazy("there already"),
    "asked": gettext_lazy("asked: their account is private"),
    "unknown": gettext_lazy("not here"),
    "elsewhere": gettext_lazy("on another site"),
    "yourself": gettext_lazy("that's you"),
    "too_many": gettext_lazy("too many"),
    "unreadable": gettext_lazy("can't be read"),
}

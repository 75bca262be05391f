"""The buttons of pictures in the form of a kwip: add, order, take out. Nothing is published here.

A form that sends files goes to an address of its own, which alone takes large bodies. A script sends one file
at once and gets the part of the form that shows it; without it, the whole form comes back.
"""

from collections.abc import Iterable
from typing import NamedTuple

from django.core.files.uploadedfile import UploadedFile
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.template.loader import render_to_string
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.fragments import render
from apps.kwips.converters import kwip_id_of
from apps.kwips.forms import EditForm, KwipForm
from apps.kwips.picture_forms import PicturesForm, again
from apps.kwips.picture_models import PICTURES
from apps.kwips.views import card_of, gone, own, typed
from apps.pictures import actions as uploads

FILES = "files"  # the field


class _Added(NamedTuple):
    names: list[str]
    errors: list[str]
    refusal: limits.Decision | None
    busy: limits.Busy | None = None  # what comes after it was not tried


@members_only
def pictures_of_form(request: MemberRequest) -> HttpResponse:
    """The form after one of its buttons, of a new kwip or of the one that it names; or one upload."""
    if request.method != "POST":  # after signing in
        return redirect("compose")
    if limits.prefers_json(request):
        return _uploaded_in_place(request)
    if (kwip_id := kwip_id_of(request.POST.get("kwip"))) is None:
        form, status = _changed(request, KwipForm(request.POST))
        return render(request, "kwips/compose.html", {"form": form, "is_returned": True}, status=status)
    if (kwip := own(request, kwip_id)) is None:
        return gone(request, text=typed(request))
    form, status = _changed(request, EditForm(request.POST))
    context = {"form": form, "kwip": card_of(kwip), "is_returned": True}
    return render(request, "kwips/edit.html", context, status=status)


def _uploaded_in_place(request: MemberRequest) -> HttpResponse:
    added = _add(request.user, request.FILES.getlist(FILES)[:1], room=1)
    if added.refusal is not None:
        return limits.refuse_click(request, added.refusal)
    if added.busy is not None:
        raise added.busy
    if not added.names:
        error = " ".join(added.errors) or _("there is no picture in it.")
        return JsonResponse({"error": error}, status=422)
    form = KwipForm(initial={"pictures": added.names})
    html = render_to_string("kwips/composer/_picture.html", {"picture": form.shown_pictures[0]})
    return JsonResponse({"html": html})


def _changed(request: MemberRequest, form: PicturesForm) -> tuple[PicturesForm, int]:
    """The form after the button that was pressed, and the status."""
    names = _ordered(form.picture_names, request.POST)
    files = request.FILES.getlist(FILES)
    added = _add(request.user, files, room=PICTURES - len(names))
    shown = again(form, [*names, *added.names])
    if "add" in request.POST and not files:
        added.errors.append(_("choose a picture first, then press the button."))
    shown.picture_errors = added.errors
    if added.refusal is not None:
        return shown, 429
    return shown, 422 if added.errors else 200


def _ordered(names: list[str], pressed: dict[str, str]) -> list[str]:
    """The names after "take it out", "earlier" or "later"."""
    names = [name for name in names if name != pressed.get("remove")]
    for button, by in (("earlier", -1), ("later", 1)):
        name = pressed.get(button, "")
        if name in names:
            place = max(0, names.index(name) + by)
            names.remove(name)
            names.insert(place, name)
    return names


def _add(person: User, files: Iterable[UploadedFile], *, room: int) -> _Added:
    """Keeps the files as pictures that wait. `uploads.upload` counts each before it decodes it."""
    added = _Added([], [], None)
    for file in files:
        if len(added.names) >= room:
            message = ngettext(
                "a kwip has %(limit)s picture at most; please take some out.",
                "a kwip has %(limit)s pictures at most; please take some out.",
                PICTURES,
            )
            added.errors.append(message % {"limit": PICTURES})
            break
        try:
            added.names.append(uploads.upload(owner=person, file=file).name)
        except uploads.Refused as refused:
            added.errors.append(f"{file.name}: {refused.message}" if file.name else refused.message)
            if refused.decision is not None:
                return added._replace(refusal=refused.decision)
        except limits.Busy as busy:
            added.errors.append(_("we couldn't keep it just now; please try again later."))
            return added._replace(busy=busy)
    return added

"""The page that changes a kwip. An invalid form is shown again with its text."""

from django.http import HttpResponse
from django.shortcuts import redirect

from apps import limits
from apps.accounts.members import MemberRequest, members_only
from apps.fragments import render
from apps.kwips import actions, attaching, new_accounts, previewing
from apps.kwips.forms import EditForm
from apps.kwips.models import Kwip
from apps.kwips.picture_forms import asked_before, files_missed, without
from apps.kwips.views import address, card_of, gone, own, typed


@members_only
def edit(request: MemberRequest, kwip_id: int) -> HttpResponse:
    kwip = own(request, kwip_id)
    if kwip is None:
        return gone(request, text=typed(request))
    if request.method != "POST":
        card = card_of(kwip)
        form = EditForm.of(kwip, None, card.pictures, is_sensitive=card.is_sensitive)
        return render(request, "kwips/edit.html", {"form": form, "kwip": card})
    form = EditForm.of(kwip, request.POST)
    if not form.is_valid():
        return render(request, "kwips/edit.html", {"form": form, "kwip": card_of(kwip)}, status=422)
    if (missed := files_missed(form, request.POST)) is not None:
        return render(request, "kwips/edit.html", {"form": missed, "kwip": card_of(kwip)}, status=422)
    if "preview" in request.POST:
        return previewing.preview(request, form, "kwips/edit.html", kwip=card_of(kwip))
    if (asked := asked_before(form, request.POST, reminds_alt=request.user.reminds_alt)) is not None:
        return render(request, "kwips/edit.html", {"form": asked, "kwip": card_of(kwip)}, status=422)
    return _edit(request, kwip, form)


def _edit(request: MemberRequest, kwip: Kwip, form: EditForm) -> HttpResponse:
    """Only what changes something counts towards the limits."""
    decision = limits.hit("edit", request.user.pk)
    decision = new_accounts.ask(decision, request.user, form.cleaned_data["text"], before=kwip.text)
    if not decision:
        return limits.refuse(request, decision, "kwips/edit.html", form, kwip=card_of(kwip))
    try:
        edited = actions.edit(kwip=kwip, **form.cleaned_data)
    except attaching.Vanished as vanished:
        decision.refund()
        context = {"form": without(form, vanished.names), "kwip": card_of(kwip)}
        return render(request, "kwips/edit.html", context, status=422)
    except actions.Gone:
        decision.refund()
        return gone(request, text=typed(request))
    if not edited.changed:
        decision.refund()
    return redirect(address(kwip))

"""What a person does with their own page: the pinned kwip, and the number of their favourites."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.actions import set_alt_reminder, set_formatting
from apps.accounts.members import MemberRequest, members_only
from apps.kwips import pins, thanks
from apps.kwips.forms import ThanksForm, WritingForm
from apps.kwips.queries import visible_kwip
from apps.kwips.views import gone


@require_POST
@members_only
def pin(request: MemberRequest, kwip_id: int) -> HttpResponse:
    """Pins a kwip to the top of its author's page, or takes it off (`unpin`)."""
    if not (decision := limits.hit("pin", request.user.pk)):
        return limits.refuse_click(request, decision)
    if (kwip := visible_kwip(kwip_id, request.user.pk)) is None:
        return gone(request)
    try:
        (pins.unpin if "unpin" in request.POST else pins.pin)(kwip=kwip, user=request.user)
    except pins.NotYours:
        raise PermissionDenied(_("only a kwip of your own goes to the top of your page.")) from None
    off, on = _("it's off the top of your page."), _("it's on top of your page :)")
    messages.success(request, off if "unpin" in request.POST else on)
    return redirect(request.user)


@members_only
def writing_settings(request: MemberRequest) -> HttpResponse:
    """Whether the person's texts are formatted, and whether pictures without words are asked about."""
    chosen = {name: getattr(request.user, name) for name in WritingForm.base_fields}
    form = WritingForm(initial=chosen)
    if request.method == "POST":
        # An unticked box sends no field.
        form = WritingForm(request.POST)
        if not (decision := limits.hit("profile", request.user.pk)):
            return limits.refuse(request, decision, "kwips/writing.html", form)
        form.is_valid()
        set_formatting(user=request.user, formats_texts=form.cleaned_data["formats_texts"])
        set_alt_reminder(user=request.user, reminds_alt=form.cleaned_data["reminds_alt"])
        messages.success(request, _("saved."))
        return redirect("writing_settings")
    return render(request, "kwips/writing.html", {"form": form})


@members_only
def thanks_settings(request: MemberRequest) -> HttpResponse:
    form = ThanksForm(request.POST or None, initial={"shows": thanks.of(request.user) is not None})
    if request.method == "POST":
        # An unticked box sends no field.
        form = ThanksForm(request.POST)
        if not (decision := limits.hit("profile", request.user.pk)):
            return limits.refuse(request, decision, "kwips/thanks.html", form)
        form.is_valid()
        (thanks.show if form.cleaned_data["shows"] else thanks.hide)(user=request.user)
        messages.success(request, _("saved."))
        return redirect("thanks_settings")
    return render(request, "kwips/thanks.html", {"form": form, "thanks": thanks.of(request.user)})

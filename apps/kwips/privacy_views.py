"""The settings of a private account."""

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts.actions import set_private
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.kwips import narrowing

PAGE = "kwips/privacy.html"


class PrivacyForm(forms.Form):
    is_private = forms.BooleanField(
        required=False,
        label=gettext_lazy("my account is private"),
        help_text=gettext_lazy("people ask before they follow you, and your kwips are for your followers."),
    )


@members_only
def privacy(request: MemberRequest) -> HttpResponse:
    person = User.objects.get(pk=request.user.pk)
    if request.method != "POST":
        form = PrivacyForm(initial={"is_private": person.is_private})
        return render(request, PAGE, {"form": form, **_context(person)})
    form = PrivacyForm(request.POST)
    form.full_clean()
    if not (decision := limits.hit("profile", person.pk)):
        return limits.refuse(request, decision, PAGE, form, **_context(person))
    if set_private(user=person, is_private=form.cleaned_data["is_private"]):
        said = (
            _("your account is private now.")
            if form.cleaned_data["is_private"]
            else _("your account is public now. what you wrote before stays as it was.")
        )
        messages.success(request, said)
    return redirect("privacy")


def _context(person: User) -> dict[str, object]:
    state = narrowing.state_of(person)
    return {
        "person": person,
        "narrowing": state,
        "offers_narrowing": person.is_private and narrowing.has_kwips_for_everyone(person),
    }


@require_POST
@members_only
def narrow(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse_click(request, decision)
    narrowing.begin(person=request.user)
    messages.success(request, _("on it. this may take a while if you wrote a lot."))
    return redirect("privacy")

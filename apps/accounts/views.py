"""A member's own settings. Everything about signing in is allauth's."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts import actions, avatars
from apps.accounts.forms import PictureForm, ProfileForm
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User


@members_only
def settings(request: MemberRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        actions.change_profile(user=request.user, **form.cleaned_data)
        messages.success(request, _("saved. looking good :)"))
        return redirect("settings")
    return _settings_page(request, form=form, avatar_form=PictureForm())


@members_only
def picture(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("settings")
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return _settings_page(request, form=ProfileForm(instance=request.user), avatar_form=form)
    admission = _admit_picture(request.user)
    if not admission:
        form.add_error("picture", admission.message)
        response = _settings_page(
            request, form=ProfileForm(instance=request.user), avatar_form=form, status=429
        )
        response["Retry-After"] = str(admission.wait)
        return response
    try:
        decoded = avatars.decode(form.cleaned_data["picture"])
        for _second in range(1, decoded.seconds):
            limits.admit("picture_seconds", request.user.pk)
        if decoded.picture is None:
            form.add_error("picture", decoded.refusal)
        else:
            actions.change_picture(user=request.user, picture=decoded.picture)
    except OSError:
        form.add_error("picture", _("we couldn't keep it just now; please try again later."))
    if not form.is_valid():
        return _settings_page(request, form=ProfileForm(instance=request.user), avatar_form=form)
    messages.success(request, _("nice picture :)"))
    return redirect("settings")


def _admit_picture(user: User) -> limits.Admission:
    """Asked before anything is decoded: pictures, and seconds of decoding, of which it counts the first."""
    admission = limits.admit("picture", user.pk)
    return limits.admit("picture_seconds", user.pk) if admission else admission


@require_POST
@members_only
def remove_picture(request: MemberRequest) -> HttpResponse:
    actions.change_picture(user=request.user, picture=None)
    messages.success(request, _("your picture is gone; we drew one for you."))
    return redirect("settings")


def _settings_page(
    request: MemberRequest, *, form: ProfileForm, avatar_form: PictureForm, status: int = 422
) -> HttpResponse:
    """The page; ``status`` is what it has where something in a form is wrong."""
    status = status if form.errors or avatar_form.errors else 200
    # The form writes what was typed on its instance; the page shows the person as they are.
    person = User.objects.get(pk=request.user.pk)
    context = {"form": form, "avatar_form": avatar_form, "person": person}
    return render(request, "accounts/settings.html", context, status=status)

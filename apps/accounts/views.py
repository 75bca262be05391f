"""A member's own settings. Everything about signing in is allauth's."""

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts import actions, avatars, names
from apps.accounts.forms import PictureForm, ProfileForm, RenameForm
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User


@members_only
def settings(request: MemberRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("profile", request.user.pk)):
            form.add_error(None, decision.message)
            return _settings_page(request, form=form, refused=decision)
        actions.change_profile(user=request.user, **form.cleaned_data)
        messages.success(request, _("saved. looking good :)"))
        return redirect("settings")
    return _settings_page(request, form=form)


@members_only
def picture(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("settings")
    form = PictureForm(request.POST, request.FILES)
    if not form.is_valid():
        return _settings_page(request, avatar_form=form)
    decision = _hit_picture(request.user)
    if not decision:
        form.add_error("picture", decision.message)
        return _settings_page(request, avatar_form=form, refused=decision)
    try:
        decoded = avatars.decode(form.cleaned_data["picture"])
        for _second in range(1, decoded.seconds):
            limits.hit("picture_seconds", request.user.pk)
        if decoded.picture is None:
            form.add_error("picture", decoded.refusal)
        else:
            actions.change_picture(user=request.user, picture=decoded.picture)
    except OSError:
        form.add_error("picture", _("we couldn't keep it just now; please try again later."))
    if not form.is_valid():
        return _settings_page(request, avatar_form=form)
    messages.success(request, _("nice picture :)"))
    return redirect("settings")


def _hit_picture(user: User) -> limits.Decision:
    """Asked before anything is decoded: pictures, and seconds of decoding, of which it counts the first."""
    decision = limits.hit("picture", user.pk)
    return limits.hit("picture_seconds", user.pk) if decision else decision


@members_only
def rename(request: MemberRequest) -> HttpResponse:
    if request.method != "POST":
        return redirect("settings")
    form = RenameForm(request.POST, user=request.user)
    if form.is_valid() and form.cleaned_data["username"] == request.user.username:
        return redirect("settings")
    if not form.is_valid():
        return _settings_page(request, rename_form=form)
    if not (decision := limits.hit("rename", request.user.pk)):
        form.add_error(None, decision.message)
        return _settings_page(request, rename_form=form, refused=decision)
    try:
        names.rename(user_id=request.user.pk, username=form.cleaned_data["username"])
    except names.NameTaken:
        decision.refund()
        form.add_error("username", _("someone has that name already."))
        return _settings_page(request, rename_form=form)
    messages.success(request, _("nice to meet you, @%s :)") % form.cleaned_data["username"])
    return redirect("settings")


@require_POST
@members_only
def remove_picture(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse_click(request, decision)
    actions.change_picture(user=request.user, picture=None)
    messages.success(request, _("your picture is gone; we drew one for you."))
    return redirect("settings")


def _settings_page(
    request: MemberRequest,
    *,
    form: ProfileForm | None = None,
    avatar_form: PictureForm | None = None,
    rename_form: RenameForm | None = None,
    refused: limits.Decision | None = None,
) -> HttpResponse:
    """The page, with the form that is wrong, if any: as a 422, or as a 429 where a limit ``refused`` it."""
    # A form writes what was typed on its instance; the page shows the person as they are.
    person = User.objects.get(pk=request.user.pk)
    given = (form, avatar_form, rename_form)
    context = {
        "form": form or ProfileForm(instance=request.user),
        "avatar_form": avatar_form or PictureForm(),
        "rename_form": rename_form or RenameForm(user=person, initial={"username": person.username}),
        "person": person,
    }
    is_wrong = any(shown is not None and shown.errors for shown in given)
    status = 429 if refused is not None else 422 if is_wrong else 200
    response = render(request, "accounts/settings.html", context, status=status)
    if refused is not None:
        response["Retry-After"] = str(refused.wait)
    return response

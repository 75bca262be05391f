"""The settings of a signed-in user: profile, picture, name, keys, sessions."""

from collections.abc import Callable
from typing import Any, NamedTuple

from allauth.usersessions.models import UserSession
from allauth.usersessions.views import ListUserSessionsView
from django.conf import settings as conf
from django.contrib import messages
from django.contrib.auth import logout
from django.db import transaction
from django.forms import BaseForm, Form
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from apps import limits
from apps.accounts import actions, browsers, leaving, names
from apps.accounts.forms import HeaderForm, KeysForm, PictureForm, ProfileForm, RenameForm
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import User
from apps.accounts.sessions import SessionStore
from apps.pictures import actions as pictures
from apps.pictures.models import Shape
from apps.securitylog import Event, record


class Link(NamedTuple):
    path: str
    label: str


# Links that apps above add to the settings page, for those to whom they apply.
more_links: list[Callable[[User], Link | None]] = []


@members_only
def settings(request: MemberRequest) -> HttpResponse:
    form = ProfileForm(request.POST or None, instance=request.user)
    if request.method == "POST" and form.is_valid():
        if not (decision := limits.hit("profile", request.user.pk)):
            form.add_error(None, decision.message)
            return _settings_page(request, decision, form=form)
        actions.change_profile(user=request.user, **form.cleaned_data)
        messages.success(request, _("saved. looking good :)"))
        return redirect("settings")
    return _settings_page(request, form=form)


@members_only
def picture(request: MemberRequest) -> HttpResponse:
    return _upload(request, PictureForm, "avatar_form", Shape.SQUARE, actions.change_picture)


@members_only
def header(request: MemberRequest) -> HttpResponse:
    return _upload(request, HeaderForm, "header_form", Shape.WIDE, actions.change_header_picture)


def _upload(
    request: MemberRequest, kind: type[Form], name: str, shape: Shape, change: Callable[..., object]
) -> HttpResponse:
    """Changes a picture to the upload of a form of this ``kind``; ``name`` is the form's in the template."""
    if request.method != "POST":
        return redirect("settings")
    form = kind(request.POST, request.FILES)
    if not form.is_valid():
        return _settings_page(request, **{name: form})
    [(field, file)] = form.cleaned_data.items()
    try:
        uploaded = pictures.upload(owner=request.user, file=file, shape=shape, keeps_moving=False)
    except pictures.Refused as refused:
        form.add_error(field, refused.message)
        return _settings_page(request, refused.decision, **{name: form})
    change(user=request.user, picture=uploaded)
    messages.success(request, _("nice picture :)"))
    return redirect("settings")


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
        return _settings_page(request, decision, rename_form=form)
    try:
        names.rename(user_id=request.user.pk, username=form.cleaned_data["username"])
    except names.NameTaken:
        decision.refund()
        form.add_error("username", _("someone has that name already."))
        return _settings_page(request, rename_form=form)
    messages.success(request, _("nice to meet you, @%s :)") % form.cleaned_data["username"])
    return redirect("settings")


@members_only
def keys(request: MemberRequest) -> HttpResponse:
    """The switch of the keyboard shortcuts, and what each key does."""
    # An unticked box sends no field, so a POST without fields is a form, too.
    sent = request.POST if request.method == "POST" else None
    form = KeysForm(sent, initial={"has_shortcuts": request.user.has_shortcuts})
    if sent is not None:
        if not (decision := limits.hit("profile", request.user.pk)):
            return limits.refuse(request, decision, "accounts/keys.html", form)
        form.is_valid()
        actions.set_shortcuts(user=request.user, has_shortcuts=form.cleaned_data["has_shortcuts"])
        messages.success(request, _("saved."))
        return redirect("keys")
    return render(request, "accounts/keys.html", {"form": form})


@require_POST
@members_only
def remove_picture(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse_click(request, decision)
    actions.change_picture(user=request.user, picture=None)
    messages.success(request, _("your picture is gone; we drew one for you."))
    return redirect("settings")


@require_POST
@members_only
def remove_header(request: MemberRequest) -> HttpResponse:
    if not (decision := limits.hit("profile", request.user.pk)):
        return limits.refuse_click(request, decision)
    actions.change_header_picture(user=request.user, picture=None)
    messages.success(request, _("the picture above your page is gone."))
    return redirect("settings")


class SessionsView(ListUserSessionsView):
    def get_context_data(self, **kwargs: object) -> dict[str, object]:
        if isinstance(self.request.session, SessionStore):
            SessionStore.end_by_time(UserSession.objects.filter(user_id=self.request.user.pk))
        context: dict[str, object] = super().get_context_data(**kwargs)
        sessions: list[UserSession] = context["sessions"]  # type: ignore[assignment]
        sessions.sort(key=lambda session: (session.is_current(), session.last_seen_at), reverse=True)
        days: dict[str, object] = {
            "idle_days": conf.SESSION_IDLE_DAYS,
            "session_days": conf.SESSION_COOKIE_AGE // 86_400,
        }
        return context | days

    def form_valid(self, form: Any) -> HttpResponse:
        """All others are ended."""
        others = UserSession.objects.filter(user=self.request.user).exclude(
            session_key=self.request.session.session_key
        )
        number = others.count()
        response: HttpResponse = super().form_valid(form)
        if number:
            person_id = self.request.user.pk
            record(Event.SESSION_ENDED, request=self.request, user_id=person_id, number=number)
        return response


@require_POST
@members_only
def end_session(request: MemberRequest, session_id: int) -> HttpResponse:
    """Ends one of the user's other sessions; idempotent."""
    session = UserSession.objects.filter(pk=session_id, user=request.user).first()
    if session is not None and session.is_current():
        return redirect("account_logout")
    if session is not None:
        with transaction.atomic():
            session.end()
            record(Event.SESSION_ENDED, request=request, user_id=request.user.pk, number=1)
    messages.success(request, _("signed out there."))
    return redirect("usersessions_list")


@require_POST
@members_only
def end_all_sessions(request: MemberRequest) -> HttpResponse:
    """Signs out everywhere, here too, and knows none of the browsers any more."""
    with transaction.atomic():
        number = leaving.end_sessions(request.user.pk)
        browsers.forget(request.user)
        record(Event.SESSIONS_ENDED, request=request, user_id=request.user.pk, number=number)
    logout(request)
    messages.success(request, _("signed out everywhere. sign in again whenever you like."))
    return redirect(conf.LOGIN_URL)


def _settings_page(
    request: MemberRequest, refused: limits.Decision | None = None, /, **sent: BaseForm
) -> HttpResponse:
    """Renders the page; a form with errors makes it a 422, or a 429 if a limit ``refused`` it."""
    # Form validation assigns the input to its instance, so the page needs another one.
    person = User.objects.get(pk=request.user.pk)
    context = {
        "form": ProfileForm(instance=request.user),
        "avatar_form": PictureForm(),
        "header_form": HeaderForm(),
        "rename_form": RenameForm(user=person, initial={"username": person.username}),
        "person": person,
        "more_links": [link for find in more_links if (link := find(person))],
        **sent,
    }
    has_errors = any(form.errors for form in sent.values())
    status = 429 if refused is not None else 422 if has_errors else 200
    response = render(request, "accounts/settings.html", context, status=status)
    if refused is not None:
        response["Retry-After"] = str(refused.wait)
    return response

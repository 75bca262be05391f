"""The page on which a person leaves the site, and the page on which they come back."""

from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.contrib.auth import logout
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.cache import never_cache
from django.views.decorators.debug import sensitive_post_parameters
from django.views.decorators.http import require_http_methods

from apps import limits
from apps.accounts import leaving
from apps.accounts.auth_forms import ReauthenticateForm
from apps.accounts.form_messages import SiteMessages
from apps.accounts.members import MemberRequest, members_only
from apps.accounts.models import Leaving, User


class NameForm(SiteMessages, forms.Form):
    """For an account without a password."""

    username = forms.CharField(
        label=gettext_lazy("your user name, so that it is no slip of the finger"),
        max_length=31,
        widget=forms.TextInput(attrs={"autocomplete": "off", "autocapitalize": "none"}),
    )

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_username(self) -> str:
        name = str(self.cleaned_data["username"])
        if name.lower().removeprefix("@") != self.user.username:
            raise forms.ValidationError(_("that's not your user name."))
        return name


@sensitive_post_parameters("password")
@members_only
def leave(request: MemberRequest) -> HttpResponse:
    person = User.objects.get(pk=request.user.pk)  # with the password, which the cached user lacks
    kind = ReauthenticateForm if person.has_usable_password() else NameForm
    form = kind(request.POST or None, user=person)
    decision = limits.Decision()
    if request.method == "POST" and form.is_valid():
        if decision := limits.hit("leave", person.pk):
            try:
                return _left(request, leaving.leave(user=person))
            except leaving.RunsTheSite:
                form.add_error(None, _("you run this site: first hand it over."))
        else:
            form.add_error(None, decision.message)
    context = {
        "form": form,
        "days": leaving.DAYS,
        "runs_the_site": leaving.runs_the_site(person),
    }
    status = 429 if not decision else 422 if form.errors else 200
    response = render(request, "accounts/leave.html", context, status=status)
    if not decision:
        response["Retry-After"] = str(decision.wait)
    return response


def _left(request: HttpRequest, row: Leaving) -> HttpResponse:
    logout(request)
    text = _("you are hidden now, and gone on %(date)s. until then our mail has the way back.")
    messages.success(request, text % {"date": date_format(row.due_at, "j F Y")})
    return redirect("home")


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def come_back(request: HttpRequest, token: str) -> HttpResponse:
    """The link in the mail. A GET changes nothing: mail scanners follow links."""
    row = leaving.by_token(token)
    if row is not None and request.method == "POST":
        try:
            is_on = leaving.come_back(leaving=row)
        except leaving.TooLate:
            row = None
        else:
            if is_on:
                messages.success(request, _("welcome back :) sign in, and all is as it was."))
            else:
                messages.info(request, _("nothing is deleted. but a moderator has put the account to sleep."))
            return redirect(settings.LOGIN_URL)
    context = {"leaving": row, "way_back": request.path}
    return render(request, "accounts/come_back.html", context, status=200 if row else 410)

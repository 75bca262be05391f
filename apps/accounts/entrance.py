"""The forms of signing up and in, where they differ from allauth's."""

from typing import Any

from allauth.account import forms as allauth
from allauth.account.adapter import get_adapter
from allauth.account.fields import EmailField
from allauth.core import context
from django import forms
from django.contrib.auth.hashers import make_password
from django.core.exceptions import ValidationError
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext_lazy as _

from apps.accounts import confirming, joining, names, queries
from apps.accounts.models import SignUp
from apps.accounts.voice import InVoice


class LoginForm(InVoice, allauth.LoginForm):
    # Set where login and password are those of a sign-up whose address is not confirmed.
    sign_up: SignUp | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # For password managers a name or an address to sign in with is a user name.
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}

    def _clean_with_password(self, credentials: dict[str, Any]) -> Any:
        try:
            return super()._clean_with_password(credentials)
        except ValidationError:
            self.sign_up = getattr(self.request, "sign_up", None)
            if self.sign_up is None:
                raise
            return self.cleaned_data

    def login(self, request: HttpRequest, redirect_url: str | None = None) -> HttpResponse:
        if self.sign_up is None:
            response: HttpResponse = super().login(request, redirect_url=redirect_url)
            return response
        confirming.remember(request, self.sign_up)
        confirming.send(request, self.sign_up, again=True)
        return get_adapter().respond_email_verification_sent(request, None)


class SignupForm(InVoice, allauth.SignupForm):
    _password = ""

    def validate_unique_email(self, value: str) -> str:
        """A sign-up looks the same for an address that is a member's."""
        return value

    def clean_username(self) -> str:
        name: str = get_adapter().clean_username(self.cleaned_data["username"], shallow=True)
        return name

    def clean(self) -> dict[str, Any]:
        super().clean()
        cleaned: dict[str, Any] = self.cleaned_data
        # One hash for each sign-up, whatever is known of the name and the address.
        if "password1" in cleaned:
            self._password = make_password(cleaned["password1"])
        pending = confirming.remembered(context.request)
        if "username" in cleaned and names.is_taken(
            cleaned["username"], email=cleaned.get("email", ""), sign_up_id=pending.pk if pending else None
        ):
            self.add_error("username", get_adapter().validation_error("username_taken"))
        return cleaned

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """A sign-up, which becomes a user once its address is confirmed."""
        pending = confirming.remembered(request)
        try:
            sign_up = joining.ask(
                username=self.cleaned_data["username"],
                email=self.cleaned_data["email"],
                password=self._password,
                replaces=pending.pk if pending else None,
            )
        except names.NameTaken:
            return None, confirming.name_taken(request)
        confirming.remember(request, sign_up, next_page=request.POST.get("next", ""))
        confirming.send(request, sign_up)
        return None, get_adapter().respond_email_verification_sent(request, None)


class AddressForm(InVoice, forms.Form):
    """Another address for a sign-up."""

    email = EmailField(label=_("the right address"))

    def clean_email(self) -> str:
        return str(get_adapter().clean_email(self.cleaned_data["email"]))


class PasswordForm(InVoice, forms.Form):
    """The password that was chosen on signing up, asked for in another browser."""

    password = allauth.PasswordField(label=_("password"), autocomplete="current-password")


class AddEmailForm(InVoice, allauth.AddEmailForm):
    pass


class ChangePasswordForm(InVoice, allauth.ChangePasswordForm):
    pass


class ResetPasswordForm(InVoice, allauth.ResetPasswordForm):
    def clean_email(self) -> str:
        """An address that a member asked to change to, unconfirmed, resets no password of theirs."""
        email = str(super().clean_email())
        user = queries.by_login(email)
        self.users = [user] if user is not None and user.is_active else []
        return email


class ResetPasswordKeyForm(InVoice, allauth.ResetPasswordKeyForm):
    pass


class ReauthenticateForm(InVoice, allauth.ReauthenticateForm):
    pass

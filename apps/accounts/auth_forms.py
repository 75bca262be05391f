"""Overrides of allauth's forms for signing up, signing in and resetting passwords."""

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

from apps import limits
from apps.accounts import invitations, names, pending_sign_up, queries, sign_ups, time_zones
from apps.accounts.form_messages import SiteMessages
from apps.accounts.forms import PlainTextField
from apps.accounts.models import WORDS_LIMIT, Application, SignUp
from apps.policy import blocked
from apps.puzzles.forms import PuzzledForm


def not_blocked(email: str) -> None:
    """Raises ValidationError if an operator blocked the domain, whether the address has an account or not."""
    if blocked.is_address_blocked(email):
        text = _("we don't take addresses of that mail service, sorry. do you have another one?")
        raise ValidationError(text, code="blocked")


def admitted_network() -> None:
    """Raises ValidationError if an operator blocked sign-ups from the network of this request."""
    if blocked.is_network_blocked(limits.client_address(context.request)):
        text = _("we can't take new people from where you are just now, sorry. write to us, and we'll see.")
        raise ValidationError(text, code="blocked")


class LoginForm(SiteMessages, allauth.LoginForm):
    # Set if login and password match an unconfirmed sign-up or a waiting application.
    sign_up: SignUp | Application | None = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        # Password managers expect this value for names and addresses alike.
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
        if isinstance(self.sign_up, Application):
            pending_sign_up.store_application(request, self.sign_up)
            return get_adapter().respond_email_verification_sent(request, None)
        pending_sign_up.store(request, self.sign_up)
        pending_sign_up.send_link(request, self.sign_up, again=True)
        return get_adapter().respond_email_verification_sent(request, None)


class SignupForm(PuzzledForm, SiteMessages, allauth.SignupForm):
    """Asks for an applicant's words while sign-up is by approval. An invitation needs none."""

    purpose = "sign-up"

    words = PlainTextField(
        label=_("a few words about you"),
        max_length=WORDS_LIMIT,
        help_text=_("a human reads them and lets you in. who are you, and what brings you here?"),
    )
    # A script fills it in. It is a guess: an unknown one is no error.
    time_zone = forms.Field(required=False, widget=forms.HiddenInput(attrs={"data-time-zone": ""}))
    _password = ""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.invitation = invitations.current(context.request)
        if not sign_ups.needs_approval(is_invited=self.invitation is not None):
            del self.fields["words"]

    def validate_unique_email(self, value: str) -> str:
        """Accepts a member's address: the response must not reveal that it has an account."""
        not_blocked(value)
        return value

    def clean_username(self) -> str:
        name: str = get_adapter().clean_username(self.cleaned_data["username"], shallow=True)
        return name

    def clean_time_zone(self) -> str:
        return time_zones.known(self.cleaned_data["time_zone"] or "")

    def clean(self) -> dict[str, Any]:
        admitted_network()
        super().clean()
        cleaned: dict[str, Any] = self.cleaned_data
        if self.has_error("email", "blocked"):
            return cleaned
        pending = pending_sign_up.current(context.request)
        if "username" in cleaned and names.is_taken(
            cleaned["username"], email=cleaned.get("email", ""), sign_up_id=pending.pk if pending else None
        ):
            self.add_error("username", get_adapter().validation_error("username_taken"))
        # Hashes once per sign-up, so that the response time reveals nothing about name and address.
        if "password1" in cleaned and self._may_hash():
            self._password = make_password(cleaned["password1"])
        return cleaned

    def _may_hash(self) -> bool:
        """While a puzzle is asked for, only a form without errors has its password hashed, and spends it."""
        if self.errors and self.asks_for_puzzle():
            self.keep_puzzle()
            return False
        what = f"{self.cleaned_data.get('username')} {self.cleaned_data.get('email')}"
        return self.spend_puzzle(context.request, what=what)

    def try_save(self, request: HttpRequest) -> tuple[None, HttpResponse]:
        """Stores a sign-up, which becomes a user once its address is confirmed."""
        pending = pending_sign_up.current(request)
        try:
            sign_up = sign_ups.create(
                username=self.cleaned_data["username"],
                email=self.cleaned_data["email"],
                password=self._password,
                words=self.cleaned_data.get("words", ""),
                time_zone=self.cleaned_data["time_zone"],
                invitation_id=self.invitation.pk if self.invitation else None,
                replaces=pending.pk if pending else None,
            )
        except names.NameTaken:
            return None, pending_sign_up.name_taken(request)
        pending_sign_up.store(request, sign_up, next_page=request.POST.get("next", ""))
        pending_sign_up.send_link(request, sign_up)
        return None, get_adapter().respond_email_verification_sent(request, None)


class AddressForm(SiteMessages, forms.Form):
    """Replaces the address of a sign-up."""

    email = EmailField(label=_("the right address"))

    def clean_email(self) -> str:
        email = str(get_adapter().clean_email(self.cleaned_data["email"]))
        not_blocked(email)
        return email

    def clean(self) -> None:
        admitted_network()


class SignInCodeForm(SiteMessages, allauth.ConfirmLoginCodeForm):
    """The mailed code. PostgreSQL counts its tries: those at once would share one count of a session."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["code"].label = _("the code from our mail")
        self.fields["code"].max_length = 20
        self.fields["code"].widget.attrs = {
            "autocomplete": "one-time-code",
            "inputmode": "numeric",
            "maxlength": "20",
        }

    def clean_code(self) -> str:
        session = context.request.session.session_key
        if not (decision := limits.hit("sign_in_code_tries", session, self.expected_code)):
            raise ValidationError(decision.message, code="limit")
        code: str = super().clean_code()
        return code


class PasswordForm(SiteMessages, forms.Form):
    """Asks for the sign-up's password if another browser opens the link."""

    password = allauth.PasswordField(label=_("password"), autocomplete="current-password")


class AddEmailForm(SiteMessages, allauth.AddEmailForm):
    def clean_email(self) -> str:
        not_blocked(self.cleaned_data["email"])
        return str(super().clean_email())


class ChangePasswordForm(SiteMessages, allauth.ChangePasswordForm):
    pass


class ResetPasswordForm(SiteMessages, allauth.ResetPasswordForm):
    def clean_email(self) -> str:
        """Only a confirmed address, or the one of an unconfirmed account, resets a password."""
        email = str(super().clean_email())
        user = queries.by_login(email)
        self.users = [user] if user is not None and user.is_active else []
        return email


class ResetPasswordKeyForm(SiteMessages, allauth.ResetPasswordKeyForm):
    pass


class ReauthenticateForm(SiteMessages, allauth.ReauthenticateForm):
    pass

"""Forms that a script sends with what a passkey signed."""

from typing import Any

from allauth.core import context
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.webauthn import forms as allauth
from allauth.mfa.webauthn.internal import auth
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps.accounts.form_messages import SiteMessages
from apps.factors import challenges
from apps.factors.queries import MOST_PASSKEYS, locked_passkeys

_MOST_CREDENTIAL = 8_000
TOO_MANY = _("that's enough passkeys: %d at most.")


class CredentialField(forms.JSONField):
    """An object of JSON. It takes no part in the page: a script fills it in."""

    default_error_messages = {"required": _("your browser did not answer. try again?")}

    def __init__(self) -> None:
        super().__init__(max_length=_MOST_CREDENTIAL, widget=forms.HiddenInput)

    def to_python(self, value: Any) -> Any:
        with challenges.malformed_is_invalid():
            credential = super().to_python(value)
        if credential is not None and not isinstance(credential, dict):
            raise ValidationError(self.error_messages["invalid"], code="invalid")
        return credential


class _Name(forms.CharField):
    def __init__(self, *, required: bool) -> None:
        super().__init__(label=_("its name"), max_length=40, required=required, help_text=_("for you alone."))


class AddForm(SiteMessages, allauth.AddWebAuthnForm):
    name = _Name(required=False)
    credential = CredentialField()
    passwordless = forms.BooleanField(
        label=_("sign me in with it alone"),
        required=False,
        initial=True,
        help_text=_("it asks for your finger, face or PIN then. a simple key can't: take the tick off."),
    )

    def clean(self) -> dict[str, Any]:
        if (credential := self.cleaned_data.get("credential")) is None:
            return self.cleaned_data
        challenges.check(context.request, challenges.For.ADDING)
        with challenges.malformed_is_invalid():
            challenges.check_host(auth.parse_registration_response(credential).response.client_data)
            cleaned: dict[str, Any] = super().clean() or {}
        return cleaned

    def is_room(self) -> bool:
        """Whether it can be added; else the form has an error. In the transaction that adds it."""
        kept = locked_passkeys(self.user.pk)
        new = auth.parse_registration_response(self.cleaned_data["credential"]).raw_id
        if any(row.wrap().authenticator_data.credential_data.credential_id == new for row in kept):
            self.add_error(None, _("that one is here already."))
        elif len(kept) >= MOST_PASSKEYS:
            self.add_error(None, TOO_MANY % MOST_PASSKEYS)
        return not self.errors


class RenameForm(SiteMessages, allauth.EditWebAuthnForm):
    name = _Name(required=True)


class _Signed(SiteMessages, allauth.AuthenticateWebAuthnForm):
    credential = CredentialField()
    purpose: challenges.For

    def clean_credential(self) -> Authenticator:
        credential = self.cleaned_data["credential"]
        challenges.check(context.request, self.purpose)
        with challenges.malformed_is_invalid():
            response = auth.parse_authentication_response(credential).response
            challenges.check_host(response.client_data)
            # A key without a finger or PIN is the second step at most.
            if self.passwordless and not response.authenticator_data.is_user_verified():
                raise get_adapter().validation_error("incorrect_code")
            user = self.user or auth.extract_user_from_response(credential)
            signed: Authenticator = auth.complete_authentication(user, credential)
        return signed


class AuthenticateForm(_Signed):
    """The second step of a sign-in."""

    purpose = challenges.For.SECOND_STEP


class ReauthenticateForm(_Signed):
    purpose = challenges.For.AGAIN
    reauthenticated = True


class SignInForm(_Signed):
    """A passkey alone. Whose it is, it says itself."""

    purpose = challenges.For.SIGN_IN
    passwordless = True

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, user=None, **kwargs)

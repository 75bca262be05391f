"""Forms that ask for a code: of the app on a phone, or of the paper with recovery codes."""

from typing import Any

from allauth.core import context
from allauth.mfa import signals
from allauth.mfa.adapter import get_adapter
from allauth.mfa.base.internal.flows import post_authentication
from allauth.mfa.models import Authenticator
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext_lazy as _

from apps import limits
from apps.accounts.form_messages import SiteMessages
from apps.accounts.models import User
from apps.factors import actions, pending, totp
from apps.factors.guesses import Guess
from apps.factors.queries import Kind, factors_of


class CodeField(forms.CharField):
    """Digits, in groups or not."""

    def __init__(self, label: Any) -> None:
        # The longest is a recovery code of eight digits, with room between them.
        attrs = {"autocomplete": "one-time-code", "inputmode": "numeric"}
        super().__init__(label=label, max_length=32, widget=forms.TextInput(attrs=attrs))


class AuthenticateForm(SiteMessages, forms.Form):
    """The second step of a sign-in."""

    code = CodeField(_("the code of your app, or one of your recovery codes"))
    is_again = False
    authenticator: Authenticator

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        self.user = user
        super().__init__(*args, **kwargs)

    def clean_code(self) -> str:
        """Counts the try before it looks at the code. Raises `limits.Busy`."""
        code: str = self.cleaned_data["code"]
        guess = Guess(context.request, self.user, is_signed_in=self.is_again)
        if guess.refusal is not None:
            self._tell_owner()
            raise ValidationError(guess.refusal.message, code="limited")
        try:
            found = actions.use_code(user_id=self.user.pk, code=code)
        except limits.Busy:  # nothing was compared
            guess.refund()
            raise
        if found is None:
            self._tell_of_failure()
            raise get_adapter().validation_error("incorrect_typed_code")
        guess.refund()
        found.user = self.user
        self.authenticator = found
        return code

    def save(self) -> None:
        post_authentication(context.request, self.authenticator, reauthenticated=self.is_again)
        if self.authenticator.type == Kind.RECOVERY_CODES:
            get_adapter().send_notification_mail("mfa/email/recovery_code_used", self.user)

    def _tell_owner(self) -> None:
        """Mails the owner: these guesses followed the right password."""
        if not self.is_again and limits.hit("factor_mail", self.user.pk):
            get_adapter().send_notification_mail("mfa/email/codes_guessed", self.user)

    def _tell_of_failure(self) -> None:
        factors = factors_of(self.user.pk)
        if (tried := factors.app or factors.recovery) is not None:
            signals.authentication_failed.send(
                sender=Authenticator,
                request=context.request,
                user=self.user,
                authenticator=tried,
                reauthentication=self.is_again,
            )


class ReauthenticateForm(AuthenticateForm):
    is_again = True


class ActivateForm(SiteMessages, forms.Form):
    """The first code of an app: it has the secret, and its clock is right."""

    code = CodeField(_("the code that it shows now"))
    step = -1

    def __init__(self, *args: Any, user: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        self.secret = pending.secret(context.request)

    def clean_code(self) -> str:
        code: str = self.cleaned_data["code"]
        guess = Guess(context.request, self.user, is_signed_in=True)
        if guess.refusal is not None:
            raise ValidationError(guess.refusal.message, code="limited")
        step = totp.step_of(self.secret, code)
        if step is None:
            raise get_adapter().validation_error("incorrect_typed_code")
        guess.refund()
        self.step = step
        return code

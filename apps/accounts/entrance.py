"""The forms at the door, where they differ from allauth's."""

from allauth.account.adapter import get_adapter
from allauth.account.forms import LoginForm as AllauthLoginForm
from allauth.account.forms import SignupForm as AllauthSignupForm
from django.contrib import messages
from django.db import IntegrityError, transaction
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.translation import gettext as _

from apps.accounts.models import User


class LoginForm(AllauthLoginForm):
    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        # For password managers a name or an address to sign in with is a user name.
        self.fields["login"].widget.attrs |= {"autocomplete": "username", "autocapitalize": "none"}


class SignupForm(AllauthSignupForm):
    def try_save(self, request: HttpRequest) -> tuple[User | None, HttpResponse | None]:
        """Also where the same form was sent twice at once, or somebody was faster with the name."""
        try:
            with transaction.atomic():
                return super().try_save(request)
        except IntegrityError:
            if User.objects.filter(email__iexact=self.cleaned_data["email"]).exists():
                return None, get_adapter().respond_email_verification_sent(request, None)
            messages.error(request, _("someone has that name already."))
            return None, redirect("account_signup")

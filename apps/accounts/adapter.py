"""Overrides of allauth's account adapter: messages, sign-in limits, mail options."""

import unicodedata
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from allauth.account.adapter import DefaultAccountAdapter
from allauth.account.models import EmailAddress, Login
from allauth.core.exceptions import ImmediateHttpResponse
from allauth.mfa.utils import is_mfa_enabled
from allauth.mfa.webauthn.internal.flows import did_use_passwordless_login
from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.core.mail import EmailMessage
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext_lazy as _

from apps import limits
from apps.accounts import browsers, invitations, languages, leaving, queries, reauthentication, sign_ups
from apps.accounts.backends import login_of
from apps.accounts.models import User
from apps.commandqueue.mail.headers import validate_header_address
from apps.commandqueue.mail.rendering import auto_generated, set_queue_options
from apps.commandqueue.models import Queue
from apps.securitylog import Event, record

# A mail with one of these in its context can sign its reader in.
_CREDENTIALS = frozenset({"activate_url", "password_reset_url", "code"})

# What a request for a new password sends.
_OF_RESETS = frozenset({"account/email/password_reset_key", "account/email/unknown_account"})

# Where a person who is switched off can appeal, or "". Apps above accounts add to it when the site starts.
ways_to_appeal: list[Callable[[User], str]] = []


class AccountAdapter(DefaultAccountAdapter):
    # allauth's messages that visitors can see, reworded for this site.
    error_messages = {
        **DefaultAccountAdapter.error_messages,
        "account_inactive": _("this account is asleep at the moment."),
        "email_password_mismatch": _("that address and that password don't go together."),
        "username_password_mismatch": _("that name and that password don't go together."),
        "enter_current_password": _("your current password, please."),
        "incorrect_password": _("that's not your password."),
        "invalid_password_reset": _("that link has been used or is too old; just ask for another one."),
        "too_many_login_attempts": _("too many wrong passwords. have a tea, then try again."),
        "username_taken": _("someone has that name already."),
        "email_taken": _("someone signed up with that address already."),
        "same_as_current": _("that's the one you have already :)"),
        "rate_limited": _("not so fast, please. a moment later it will work."),
        "duplicate_email": _("that's the one you have already :)"),
        "invalid_login": _("that name and that password don't go together."),
        "cannot_remove_primary_email": _("that's the address we write to; choose another one first."),
        "incorrect_code": _("that's not the code we sent."),
        "invalid_or_expired_key": _("that link has been used or is too old; just ask for another one."),
        "max_email_addresses": _("that's enough addresses: %d at most."),
        "select_only_one": _("just one of them, please."),
        "unknown_email": _("nobody here has that address."),
        "unverified_primary_email": _("the address we write to has to be confirmed first."),
        "username_blacklisted": _("that name is taken by the house. another one, please?"),
    }

    def is_open_for_signup(self, request: HttpRequest) -> bool:
        return sign_ups.admits(is_invited=invitations.current(request) is not None)

    def clean_username(self, username: str, shallow: bool = False) -> str:
        """Names are case-insensitive and stored in lower case."""
        return super().clean_username(username.strip().lower(), shallow=shallow)

    def clean_email(self, email: str) -> str:
        """Raises ValidationError for an address that cannot be a mail header."""
        address: str = super().clean_email(email)
        validate_header_address(address)
        return address

    def get_client_ip(self, request: HttpRequest) -> str:
        return limits.client_address(request)

    # allauth limits failed sign-ins per account, which lets an attacker lock the owner out. These limits are
    # per account and network, and per network. Each attempt is counted before the password is checked, since
    # concurrent attempts would otherwise exceed the limit; a successful one is refunded.

    def pre_authenticate(self, request: HttpRequest, **credentials: Any) -> None:
        """Raises ValidationError after too many failed sign-ins."""
        network = limits.client_network(request)
        login = login_of(credentials)
        of_account = limits.hit("failed_sign_in", _folded(login), network)
        of_network = limits.hit("failed_sign_in_network", network) if of_account else of_account
        self._counted = [of_account, of_network]
        if not of_network:
            of_account.refund()
            raise self.validation_error("too_many_login_attempts")

    def authenticate(self, request: HttpRequest, **credentials: Any) -> AbstractBaseUser | None:
        try:
            user: AbstractBaseUser | None = super().authenticate(request, **credentials)
        except limits.Busy:
            self._refund()  # the password was not checked
            raise
        if user is not None or hasattr(request, "sign_up"):
            self._refund()
        return user

    def _refund(self) -> None:
        for counted in self._counted:
            counted.refund()

    def authentication_failed(self, request: HttpRequest, **credentials: Any) -> None:
        """Mails the owner after many failed sign-ins, counted over all networks; at most once a day.

        Failures for unknown logins are counted too, so that response times do not reveal which logins exist.
        """
        login = login_of(credentials)
        user = queries.by_login(login)
        if not hasattr(request, "sign_up"):  # of which the password was right
            record(Event.SIGN_IN_FAILED, request=request, user_id=user.pk if user else None, login=login)
        who = ("login", _folded(login)) if user is None else ("user", user.pk)
        if limits.hit("failed_sign_in_anywhere", *who) or user is None or not user.is_active:
            return
        confirmed = EmailAddress.objects.filter(user=user, email=user.email.lower(), verified=True).exists()
        if confirmed and limits.hit("failed_sign_in_mail", user.pk):
            record(Event.GUESSING, user_id=user.pk)
            ways = {"password_url": f"{settings.SITE_URL}/accounts/password/change/"}
            self.send_mail("account/email/failed_sign_ins", user.email, {"user": user} | ways)

    def pre_login(self, request: HttpRequest, user: AbstractBaseUser, **how: Any) -> HttpResponse | None:
        """A browser that was forgotten, as by signing out everywhere, is not trusted either."""
        # Asked here: allauth forgets how someone signed in if they are inactive.
        self._is_by_passkey = did_use_passwordless_login(request, user)
        self._must_show_code = (
            isinstance(user, User) and not user.is_active and browsers.must_show_code(request, user)
        )
        cookie = settings.MFA_TRUST_COOKIE_NAME
        if cookie in request.COOKIES and isinstance(user, User) and not browsers.is_known(request, user):
            del request.COOKIES[cookie]
        response: HttpResponse | None = super().pre_login(request, user, **how)
        return response

    def is_login_by_code_required(self, login: Login) -> bool:
        """For a password that is right, in an unknown browser. The code goes to a confirmed address.

        Raises ImmediateHttpResponse after too many codes.
        """
        if not isinstance(login.user, User) or not browsers.must_show_code(self.request, login.user):
            return False
        if (decision := browsers.may_send_code(self.request, login.user)) is not None:
            raise ImmediateHttpResponse(limits.refuse_click(self.request, decision))
        login.email = browsers.address_for_code(login.user)
        record(Event.CODE_ASKED, request=self.request, user_id=login.user.pk)
        return True

    def login(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        is_first = user.last_login is None
        super().login(request, user)
        request.is_first_sign_in = is_first  # type: ignore[attr-defined]

    def post_login(self, request: HttpRequest, user: AbstractBaseUser, **how: Any) -> HttpResponse:
        """Also writes to the owner about a browser that they never used."""
        response: HttpResponse = super().post_login(request, user, **how)
        assert isinstance(user, User)  # noqa: S101
        if browsers.remember(request, response, user) and not request.is_first_sign_in:  # type: ignore[attr-defined]
            browsers.tell_owner(request, user, self.send_mail)
        return response

    def respond_user_inactive(self, request: HttpRequest, user: AbstractBaseUser) -> HttpResponse:
        """The right password leads here, or a passkey, and a person who is leaving can come back.

        Where the password alone is not enough, it opens neither: the links are in the mail.
        """
        assert isinstance(user, User)  # noqa: S101
        is_asked_more = is_mfa_enabled(user) or self._must_show_code
        is_sure = self._is_by_passkey or not is_asked_more
        if (row := leaving.of_person(user)) is not None:
            context = {"leaving": row, "way_back": leaving.way_back(row) if is_sure else ""}
            return render(request, "accounts/come_back.html", context)
        path = next((path for way in ways_to_appeal if (path := way(user))), "")
        context = {"appeal_path": path, "is_sure": is_sure}
        return render(request, "account/account_inactive.html", context, status=403)

    def is_reauthentication_required(self, *, app: str, **options: Any) -> bool:
        """For allauth's own checks, which do not count a sign-in: the same answer as everywhere else."""
        required = super().is_reauthentication_required(app=app, **options)
        return bool(required) and not reauthentication.is_recent(self.request)

    def set_password(self, user: User, password: str) -> None:
        """Also resets the limits, so that the user can sign in with the new password at once.

        Other browsers are unknown from now on: an attacker may have signed in there.
        """
        super().set_password(user, password)
        browsers.forget(user, but=self.request if self.request.user == user else None)
        network = limits.client_network(self.request)
        limits.reset("failed_sign_in_anywhere", "user", user.pk)
        for login in (user.username, user.email):
            limits.reset("failed_sign_in", _folded(login), network)
        # An attacker who guesses at codes knew the former password. Seldom: one who reads the mail could
        # reset the password again and again, for more guesses.
        if limits.hit("factor_lift", user.pk, durable=False):
            limits.reset("factor", user.pk, network)
            limits.reset("factor_anywhere", user.pk)
            limits.reset("factor_again", user.pk)

    def render_mail(
        self,
        template_prefix: str,
        email: str,
        context: dict[str, Any],
        headers: dict[str, str] | None = None,
    ) -> EmailMessage:
        """Mail with a credential uses the urgent queue, and its content is deleted after sending."""
        context = {"site_name": settings.SITE_NAME, "site_url": settings.SITE_URL} | context
        with languages.of(context.get("user")):
            rendered = super().render_mail(template_prefix, email, context, headers)
        message: EmailMessage = auto_generated(rendered)
        if not _CREDENTIALS.isdisjoint(context):
            set_queue_options(message, queue_name=Queue.NOW, secret=True)
        return message

    def send_account_already_exists_mail(self, email: str) -> None:
        """In the language of the account's owner, not in that of the form."""
        with languages.of(queries.by_login(email)):
            super().send_account_already_exists_mail(email)

    def send_mail(self, template_prefix: str, email: str, context: dict[str, Any]) -> None:
        """Rewrites links to `SITE_URL`, whatever host and port the request named."""
        links = {name: _on_site(url) for name, url in context.items() if name.endswith("_url")}
        if template_prefix in _OF_RESETS:
            asker = context.get("user")
            record(Event.PASSWORD_RESET_ASKED, user_id=asker.pk if asker else None, login=email)
        super().send_mail(template_prefix, email, context | links)


def _folded(login: str) -> str:
    """Normalizes a login, so that all spellings of one account share one limit."""
    return unicodedata.normalize("NFKC", login).strip().upper().lower()


def _on_site(url: str) -> str:
    found = urlsplit(url)
    return settings.SITE_URL + found.path + (f"?{found.query}" if found.query else "")

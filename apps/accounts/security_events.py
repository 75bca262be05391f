"""What the security log has of sign-in: receivers of the signals of Django's and allauth's accounts."""

from typing import Any

from allauth.account import signals as account
from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa import signals as mfa
from allauth.mfa.models import Authenticator
from django.contrib.auth import signals as auth
from django.dispatch import receiver
from django.http import HttpRequest

from apps.accounts.models import User
from apps.securitylog import Event, keyed, record


@receiver(auth.user_logged_in)
def _signed_in(request: HttpRequest, user: User, **_: Any) -> None:
    ways = [str(done["method"]) for done in get_authentication_records(request, user)]
    record(Event.SIGNED_IN, request=request, user_id=user.pk, way=" ".join(dict.fromkeys(ways)))


@receiver(auth.user_logged_out)
def _signed_out(request: HttpRequest, user: User | None, **_: Any) -> None:
    if user is not None:
        record(Event.SIGNED_OUT, request=request, user_id=user.pk)


@receiver(account.authentication_step_completed)
def _authenticated(request: HttpRequest, user: User, method: str, **done: Any) -> None:
    """A second factor has an event of its own, also where it is asked again."""
    if done.get("reauthenticated") and method != "mfa":
        record(Event.REAUTHENTICATED, request=request, user_id=user.pk, way=method)


@receiver(account.login_code_rejected)
def _wrong_code(request: HttpRequest, user: User, last_attempt: bool, **_: Any) -> None:
    record(Event.CODE_FAILED, request=request, user_id=user.pk, way="mail", last=int(last_attempt))


@receiver([account.password_changed, account.password_set])
def _password_changed(request: HttpRequest, user: User, **_: Any) -> None:
    record(Event.PASSWORD_CHANGED, request=request, user_id=user.pk)


@receiver(account.password_reset)
def _password_reset(request: HttpRequest, user: User, **_: Any) -> None:
    record(Event.PASSWORD_RESET, request=request, user_id=user.pk)


@receiver(account.email_added)
def _address_added(request: HttpRequest, user: User, email_address: EmailAddress, **_: Any) -> None:
    record(Event.ADDRESS_ADDED, request=request, user_id=user.pk, login=email_address.email)


@receiver(account.email_confirmed)
def _address_confirmed(request: HttpRequest, email_address: EmailAddress, **_: Any) -> None:
    address = email_address
    record(Event.ADDRESS_CONFIRMED, request=request, user_id=address.user_id, login=address.email)


@receiver(account.email_changed)
def _address_changed(
    request: HttpRequest,
    user: User,
    from_email_address: EmailAddress | None,
    to_email_address: EmailAddress,
    **_: Any,
) -> None:
    before = keyed(from_email_address.email) if from_email_address else ""
    to = to_email_address.email
    record(Event.ADDRESS_CHANGED, request=request, user_id=user.pk, login=to, before=before)


@receiver(account.email_removed)
def _address_removed(request: HttpRequest, user: User, email_address: EmailAddress, **_: Any) -> None:
    record(Event.ADDRESS_REMOVED, request=request, user_id=user.pk, login=email_address.email)


@receiver(mfa.authenticator_added)
def _factor_added(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    codes = authenticator.type == Authenticator.Type.RECOVERY_CODES
    event = Event.CODES_MADE if codes else Event.FACTOR_ADDED
    record(event, request=request, user_id=user.pk, kind=str(authenticator.type))


@receiver(mfa.authenticator_reset)
def _codes_made(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(Event.CODES_MADE, request=request, user_id=user.pk, kind=str(authenticator.type))


@receiver(mfa.authenticator_removed)
def _factor_removed(request: HttpRequest, user: User, authenticator: Authenticator, **_: Any) -> None:
    record(Event.FACTOR_REMOVED, request=request, user_id=user.pk, kind=str(authenticator.type))


@receiver(mfa.authenticator_used)
def _factor_used(request: HttpRequest, user: User, authenticator: Authenticator, **how: Any) -> None:
    again = int(bool(how.get("reauthenticated")))
    record(Event.FACTOR_USED, request=request, user_id=user.pk, kind=str(authenticator.type), again=again)


@receiver(mfa.authentication_failed)
def _wrong_factor(request: HttpRequest, user: User, authenticator: Any = None, **_: Any) -> None:
    kind = str(authenticator.type) if authenticator is not None else "unknown"
    record(Event.CODE_FAILED, request=request, user_id=user.pk, kind=kind)

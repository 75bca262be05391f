"""Refusals by those limits that someone meets who guesses, floods, or uses another one's account."""

from allauth.core import context

from apps.securitylog.event import Event
from apps.securitylog.recording import record

# Names in `settings.LIMITS`; "allauth" for a limit of allauth's. The others are met by fast typists.
SCOPES = frozenset(
    {
        "allauth",
        "bad_token",
        "export",
        "factor",
        "factor_again",
        "factor_anywhere",
        "factor_change",
        "failed_sign_in",
        "failed_sign_in_network",
        "leave",
        "mail_address",
        "new_browser_mail",
        "passkey",
        "rename",
        "sign_in_code",
        "sign_in_code_anywhere",
        "sign_in_code_tries",
        "sign_up_change",
        "sign_up_mail",
        "sign_up_mail_address",
        "token",
    }
)


def record_refusal(scope: str) -> None:
    """A receiver of `limits.on_refused`."""
    if scope not in SCOPES:
        return
    request = context.request
    person = request.user if request is not None else None
    person_id = person.pk if person is not None and person.is_authenticated else None
    record(Event.LIMIT_MET, request=request, user_id=person_id, limit=scope)

"""The secret of an app that is being added, sealed: sessions are rows of the database."""

from allauth.mfa.totp.internal.auth import generate_totp_secret
from django.http import HttpRequest

from apps.factors import sealing

_KEY = "factors.secret"


def secret(request: HttpRequest) -> str:
    """The same until `discard`: a reloaded page shows what the phone has taken already."""
    try:
        return sealing.unseal(request.session[_KEY])
    except (KeyError, sealing.Unreadable):
        new: str = generate_totp_secret()
        request.session[_KEY] = sealing.seal(new)
        return new


def discard(request: HttpRequest) -> None:
    request.session.pop(_KEY, None)

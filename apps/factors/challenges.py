"""The challenge that a passkey signs: one for each session, for ten minutes, for the host of the site."""

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from urllib.parse import urlsplit

from allauth.mfa.adapter import get_adapter
from allauth.mfa.webauthn.internal.auth import STATE_SESSION_KEY
from django.conf import settings
from django.http import HttpRequest
from fido2.webauthn import CollectedClientData

SECONDS = 600
# What readers of CBOR, base64 and keys raise for what is none.
_MALFORMED = (
    ArithmeticError, AttributeError, LookupError, NotImplementedError, RecursionError, TypeError, ValueError,
    struct.error,
)  # fmt: skip


class For(StrEnum):
    """What a challenge is signed for. A signature is no answer to another page's question."""

    ADDING = "adding"
    SIGN_IN = "sign-in"
    SECOND_STEP = "second step"
    AGAIN = "again"


def stamp(request: HttpRequest, purpose: For) -> None:
    """Notes when the session's challenge was made, and for what."""
    request.session[STATE_SESSION_KEY] |= {"at": int(time.time()), "for": purpose}
    request.session.modified = True


def check(request: HttpRequest, purpose: For) -> None:
    """Raises ValidationError if the session has no challenge, an old one, or one for something else."""
    state = request.session.get(STATE_SESSION_KEY) or {}
    if time.time() - state.get("at", 0) > SECONDS:
        request.session.pop(STATE_SESSION_KEY, None)
        raise get_adapter().validation_error("incorrect_code")
    if state.get("for") != purpose:
        raise get_adapter().validation_error("incorrect_code")


def check_host(data: CollectedClientData) -> None:
    """Raises ValidationError for pages of other hosts: subdomains may sign too, by the protocol alone."""
    if urlsplit(data.origin).hostname != urlsplit(settings.SITE_URL).hostname:
        raise get_adapter().validation_error("incorrect_code")


@contextmanager
def malformed_is_invalid() -> Iterator[None]:
    """What can't be read is a wrong answer, not an error of the site."""
    try:
        yield
    except _MALFORMED as error:
        raise get_adapter().validation_error("incorrect_code") from error

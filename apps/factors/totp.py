"""Which step of time a code belongs to (RFC 6238)."""

import secrets
import time

from allauth.mfa import app_settings
from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value

# A code is taken for so long after its end: it may change while one types. Phones have the time of their
# network; one that is later than this, or as much ahead, shows codes that are sometimes refused.
GRACE_SECONDS = 10


def digits(code: str) -> str:
    """The digits of what was typed: apps and papers show them in groups."""
    return "".join(character for character in code if character.isascii() and character.isdigit())


def step_of(secret: str, code: str, *, after: int = -1) -> int | None:
    """The step of a code that is right now; None if it is wrong, or not ``after`` the last one used."""
    typed = digits(code)
    # Every step is compared: the time tells nothing.
    right = [step for step in _steps() if secrets.compare_digest(_code(secret, step), typed)]
    return next((step for step in right if step > after), None)


def _steps() -> list[int]:
    """The present step, after the one before it as long as that is taken."""
    step, passed = divmod(int(time.time()), app_settings.TOTP_PERIOD)
    return [step - 1, step] if passed < GRACE_SECONDS else [step]


def _code(secret: str, step: int) -> str:
    code: str = format_hotp_value(hotp_value(secret, step))
    return code

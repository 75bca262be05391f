"""Which step of time a code belongs to (RFC 6238)."""

import secrets
from collections.abc import Iterator

from allauth.mfa.totp.internal.auth import format_hotp_value, hotp_value, yield_hotp_counters_from_time


def digits(code: str) -> str:
    """The digits of what was typed: apps and papers show them in groups."""
    return "".join(character for character in code if character.isascii() and character.isdigit())


def step_of(secret: str, code: str, *, after: int = -1) -> int | None:
    """The step of a code that is right now; None if it is wrong, or not ``after`` the last one used."""
    typed = digits(code)
    # Every step is compared: the time tells nothing.
    right = [step for step in _steps() if secrets.compare_digest(_code(secret, step), typed)]
    return next((step for step in right if step > after), None)


def _steps() -> Iterator[int]:
    return yield_hotp_counters_from_time()


def _code(secret: str, step: int) -> str:
    return format_hotp_value(hotp_value(secret, step))

"""The CSRF token of a member's page: written with one system call, and without renewing the cookie.

Django's `get_token` draws each of the 32 characters of a mask by a system call of its own, and has the cookie
sent again with each page that has a form. Here a member's page gets its token from `masked`, every other page
from Django. Django's middleware checks both, and this module uses its public names only.

    form field = mask + cipher,  cipher[i] = mask[i] + secret[i]  (numbers of characters, modulo 62)

A member's cookie outlives the session: signing in sets both, and `CsrfCookieMiddleware` sends it again with
each response that sends the session's again. It lives for a year, and a session for 30 days.
"""

import os
from collections.abc import Callable

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.http import HttpRequest, HttpResponse
from django.middleware.csrf import CSRF_ALLOWED_CHARS, CSRF_SECRET_LENGTH, get_token
from django.utils.functional import cached_property

_COUNT = len(CSRF_ALLOWED_CHARS)
_CHARACTERS = CSRF_ALLOWED_CHARS.encode()
# The number of each character. The tables are for `bytes.translate`, which maps a whole text in one call.
_NUMBERS = bytes.maketrans(_CHARACTERS, bytes(range(_COUNT)))
_CHARACTER_OF_NUMBER = bytes.maketrans(bytes(range(_COUNT)), _CHARACTERS)
# Random bytes to numbers. The last 8 of 256 are left out: with them the first 8 characters would be likelier.
_FAIR = 256 // _COUNT * _COUNT
_NUMBER_OF_BYTE = bytes(byte % _COUNT for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))


class CsrfCookieMiddleware:
    """Renews the CSRF cookie together with the session's cookie. Its place is inside Django's middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        response = self.get_response(request)
        if request.session.modified and settings.CSRF_COOKIE_NAME in request.COOKIES:
            get_token(request)  # by its documented side effect the cookie is sent
        return response


def csrf(request: HttpRequest) -> dict[str, object]:
    """A context processor: `csrf_token`, in place of the one of Django's own processor."""
    return {"csrf_token": _PageToken(request)}


class _PageToken:
    """The token of a page, made when a template shows it. Django escapes a lazy object, and not this one."""

    def __init__(self, request: HttpRequest) -> None:
        self._request = request

    @cached_property
    def _text(self) -> str:
        return token(self._request)

    def __str__(self) -> str:
        return self._text

    __html__ = __str__  # letters and digits


def token(request: HttpRequest) -> str:
    """A token for a form on this page."""
    secret = request.COOKIES.get(settings.CSRF_COOKIE_NAME)
    # Without a valid cookie, or after signing in, Django's secret is a new one.
    if secret is None or secret != request.META.get("CSRF_COOKIE") or not _is_member(request):
        return get_token(request)
    return masked(secret)


def masked(secret: str) -> str:
    """The secret as a form field has it: different each time, so compression can't reveal it (BREACH)."""
    mask = _random_numbers()
    pairs = zip(secret.encode().translate(_NUMBERS), mask, strict=True)
    cipher = bytes([(number + shift) % _COUNT for number, shift in pairs])
    return (mask + cipher).translate(_CHARACTER_OF_NUMBER).decode()


def _random_numbers() -> bytes:
    """Numbers below 62, as many as a secret has characters, each equally likely."""
    numbers = b""
    while len(numbers) < CSRF_SECRET_LENGTH:
        numbers += os.urandom(2 * CSRF_SECRET_LENGTH).translate(_NUMBER_OF_BYTE, _UNFAIR)
    return numbers[:CSRF_SECRET_LENGTH]


def _is_member(request: HttpRequest) -> bool:
    """Whether the view has read a signed-in session, and has not changed it."""
    session = getattr(request, "session", None)
    return session is not None and session.accessed and not session.modified and SESSION_KEY in session

"""Middleware: a request's session, its user and the policy in one round trip to memcached; its language."""

from collections.abc import Callable
from functools import partial

from django.conf import settings
from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.middleware import AuthenticationMiddleware, get_user
from django.contrib.auth.models import AnonymousUser
from django.http import HttpRequest, HttpResponse
from django.utils.cache import patch_vary_headers
from django.utils.functional import SimpleLazyObject
from django.utils.translation import override

from apps import lookaside
from apps.accounts import languages
from apps.accounts.keys import user_key
from apps.policy.keys import POLICY

MOST_OWNERS = 10_000

# The user of each session that this process has seen. Only a hint for `peeking`: the session itself, once
# read, says which user is read. A cookie with the user's id would do for all processes; it would also reveal
# the id.
_owners: dict[str, int] = {}


class SessionUserMiddleware(AuthenticationMiddleware):
    """Django's, but ``request.user`` peeks at the user while the session is read, and visits are noted."""

    def process_request(self, request: HttpRequest) -> None:
        super().process_request(request)
        request.user = SimpleLazyObject(partial(user_of, request))  # type: ignore[assignment]

    def process_response(self, request: HttpRequest, response: HttpResponse) -> HttpResponse:
        """Outside of the view's transactions. A page that did not read the session stays as it is."""
        if getattr(request.session, "is_visit_due", False) and _is_visit(request, response):
            request.session.note_visit()  # type: ignore[attr-defined]
        return response


def _is_visit(request: HttpRequest, response: HttpResponse) -> bool:
    """Not what an open page asks by itself, once a minute; nor what failed, as while PostgreSQL is down."""
    is_asked_by_script = request.method == "GET" and response.get("Content-Type") == "application/json"
    return response.status_code < 500 and not is_asked_by_script


def user_of(request: HttpRequest) -> AbstractBaseUser | AnonymousUser:
    """The user of the request's session. A missing or wrong hint costs one round trip."""
    owner = _owners.get(request.session.session_key or "")
    if owner is None:
        user = get_user(request)
    else:
        with lookaside.cache().peeking([user_key(owner), POLICY]):
            user = get_user(request)
    # Read again: Django gives a session that an old SECRET_KEY signed a new key.
    key = request.session.session_key
    if key and user.is_authenticated and user.pk != owner:
        _remember(key, user.pk)
    # From now on the user itself: each attribute of a lazy object costs several calls.
    request.user = user
    return user


def _remember(session_key: str, owner: int) -> None:
    if len(_owners) >= MOST_OWNERS:
        _owners.clear()
    _owners[session_key] = owner


class LanguageMiddleware:
    """Renders the response in the language of `languages.of_request`; the site's needs no switch.

    Django's `LocaleMiddleware` would ask the browser on public pages, too, which are cached for all.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        language = languages.of_request(request)
        if language == settings.LANGUAGE_CODE:
            response = self.get_response(request)
        else:
            with override(language):
                response = self.get_response(request)
        if languages.is_entrance(request):
            patch_vary_headers(response, ["Accept-Language"])
        return response

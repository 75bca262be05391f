"""Who sends a request of the API: `Authorization: Bearer` alone says it."""

from collections.abc import Callable
from functools import wraps
from typing import cast

from django.conf import settings
from django.contrib.auth import load_backend
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.debug import sensitive_variables

from apps import limits
from apps.accounts import languages
from apps.accounts.models import User
from apps.securitylog import forbidden
from apps.tokens import actions, answers, queries
from apps.tokens.answers import Refused
from apps.tokens.models import Scope, Token
from apps.tokens.secret import digest_of


class TokenRequest(HttpRequest):
    """A request with a valid token. ``user`` is the token's owner."""

    user: User
    token: Token


def with_token(
    scope: Scope,
) -> Callable[[Callable[[TokenRequest], HttpResponse]], Callable[[HttpRequest], HttpResponse]]:
    """The view gets requests with a token of ``scope``; a `Refused` that it raises is an answer."""

    def wrap(view: Callable[[TokenRequest], HttpResponse]) -> Callable[[HttpRequest], HttpResponse]:
        @csrf_exempt
        @wraps(view)
        def checked(request: HttpRequest) -> HttpResponse:
            try:
                token = token_of(request)
                owner = owner_of(request, token)
                with languages.of(owner):
                    require(request, scope, token, owner)
                    actions.note_used(token)
                    request.user = owner
                    request.token = token  # type: ignore[attr-defined]
                    return view(cast("TokenRequest", request))
            except Refused as refused:
                return answers.error(refused.status, refused.text, refused.headers)

        return checked

    return wrap


@sensitive_variables()
def token_of(request: HttpRequest) -> Token:
    """Raises `Refused` without a valid token. Unknown ones are counted by network."""
    scheme, _space, secret = request.headers.get("Authorization", "").strip().partition(" ")
    if scheme.lower() != "bearer":
        text = _("Send a token: 'Authorization: Bearer …'. You make one at %s/settings/tokens/.")
        raise Refused(401, text % settings.SITE_URL, WWW_Authenticate="Bearer")
    digest = digest_of(secret.strip())
    token = queries.by_digest(digest) if digest else None
    if token is not None:
        return token
    if digest and not (decision := limits.hit("bad_token", limits.client_network(request))):
        raise Refused(429, decision.message, Retry_After=str(decision.wait))
    raise Refused(
        401,
        _("The access token is invalid: it was mistyped, or it is revoked."),
        WWW_Authenticate='Bearer error="invalid_token"',
    )


def owner_of(request: HttpRequest, token: Token) -> User:
    """Raises `Refused` if the owner may not sign in: suspended, or leaving."""
    backend = load_backend(settings.AUTHENTICATION_BACKENDS[0])
    owner: User | None = backend.get_user(token.owner_id)
    if owner is None:
        forbidden.note(request, "account switched off", user_id=token.owner_id)
        raise Refused(403, _("This account is switched off, and so are its tokens."))
    return owner


def require(request: HttpRequest, scope: Scope, token: Token, owner: User) -> None:
    """Raises `Refused` without the scope, or while a moderator's warning waits to be read."""
    if scope not in token.scope:
        [name] = scope.names
        forbidden.note(request, f"scope {name}", user_id=owner.pk)
        raise Refused(
            403,
            _("This action is outside the token's scopes. It needs %s.") % name,
            WWW_Authenticate=f'Bearer error="insufficient_scope", scope="{name}"',
        )
    if owner.has_warning:
        text = _("A moderator wrote to you. Please read that first: %s/moderation/warning/")
        raise Refused(403, text % settings.SITE_URL)

"""The mail that tells the owner of a new token. Its templates are beside the other security notices."""

from collections.abc import Iterator

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.conf import settings
from django.core.mail import EmailMessage
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.tokens.models import Scope, Token

_TEMPLATE = "account/email/token_made"


def tell_owner(token: Token) -> None:
    """Enqueues the mail; it has the address and the browser of the request."""
    owner = token.owner
    get_adapter().send_notification_mail(_TEMPLATE, owner, _contents(owner, token))


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields the mail with the name of its templates, for `manage.py previewmail`."""
    request = RequestFactory().get("/")
    owner = User(username="ann", email="ann@example.org")
    token = Token(owner=owner, name="the weather <station>", scopes=Scope.WRITE_KWIPS)
    happened = {
        "ip": "2001:db8::1",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "timestamp": timezone.now(),
    }
    with context.request_context(request):
        contents = _contents(owner, token) | happened
        yield "token_made", get_adapter().render_mail(_TEMPLATE, owner.email, contents)


def _contents(owner: User, token: Token) -> dict[str, object]:
    return {"user": owner, "token": token, "tokens_url": settings.SITE_URL + reverse("tokens")}

"""Samples of the mails about second factors, for `manage.py previewmail`. allauth's adapter sends them."""

from collections.abc import Iterator

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.core.mail import EmailMessage
from django.test import RequestFactory
from django.utils import timezone

from apps.accounts.models import User

_NAMES = (
    "totp_activated", "totp_deactivated", "webauthn_added", "webauthn_removed", "recovery_codes_generated",
    "recovery_code_used", "codes_guessed",
)  # fmt: skip


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields each mail with the name of its templates."""
    owner = User(username="ann", email="ann@example.org")
    happened = {
        "user": owner,
        "ip": "2001:db8::1",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "timestamp": timezone.now(),
    }
    with context.request_context(RequestFactory().get("/")):
        for name in _NAMES:
            yield name, get_adapter().render_mail(f"mfa/email/{name}", owner.email, dict(happened))

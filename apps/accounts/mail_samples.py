"""Samples of the mails that allauth sends, for `manage.py previewmail`."""

from collections.abc import Iterator
from datetime import timedelta
from typing import Any

from allauth.core import context
from django.conf import settings
from django.core.mail import EmailMessage
from django.test import RequestFactory
from django.utils import timezone

from apps.accounts import factor_resets, leaving
from apps.accounts.adapter import AccountAdapter
from apps.accounts.models import User

_KEY = "4-dbgfrc-c0ff33c0ff33c0ff33c0ff33c0ff33c0"
_NOTIFICATIONS = (
    "email_changed", "email_confirm", "email_deleted", "password_changed", "password_reset", "password_set",
)  # fmt: skip
_CODES = ("login_code", "password_reset_code")


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields each mail with the name of its templates."""
    request = RequestFactory().get("/")
    with context.request_context(request):
        adapter = AccountAdapter(request)
        for name, contents in _contents().items():
            contents |= {"request": request, "email": "ann@example.org"}
            yield name, adapter.render_mail(f"account/email/{name}", "ann@example.org", contents)


def _contents() -> dict[str, dict[str, Any]]:
    user = User(username="ann", email="ann@example.org", display_name="Ann O'Tea")
    confirm = {"user": user, "activate_url": f"{settings.SITE_URL}/accounts/confirm-email/{_KEY}/"}
    reset = {
        "user": user,
        "username": "ann",
        "password_reset_url": f"{settings.SITE_URL}/accounts/password/reset/key/{_KEY}/",
    }
    ways = {
        "signup_url": f"{settings.SITE_URL}/accounts/signup/",
        "password_reset_url": f"{settings.SITE_URL}/accounts/password/reset/",
    }
    happened = {
        "user": user,
        "ip": "2001:db8::1",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "timestamp": timezone.now(),
        "from_email": "ann@example.org",
        "to_email": "ann@example.net",
        "deleted_email": "ann@example.net",
    }
    return {
        "email_confirmation_signup": confirm,
        "email_confirmation": confirm,
        "password_reset_key": reset,
        "failed_sign_ins": {"user": user, "password_url": f"{settings.SITE_URL}/accounts/password/change/"},
        "new_browser": {
            "user": user,
            "at": timezone.now(),
            "user_agent": happened["user_agent"],
            "network": "2001:db8:…",
            "reset_url": f"{settings.SITE_URL}/accounts/password/reset/",
            "sessions_url": f"{settings.SITE_URL}/accounts/sessions/",
        },
        "application_accepted": {"user": user, "login_url": f"{settings.SITE_URL}/accounts/login/"},
        "application_refused": {"user": user},
        "leaving": {
            "user": user,
            "due_at": timezone.now() + timedelta(days=leaving.DAYS),
            "back_url": f"{settings.SITE_URL}/accounts/back/WzcsIjIwMjYiXQ:{_KEY}/",
        },
        "factors_reset_asked": {
            "user": user,
            "due_at": timezone.now() + timedelta(days=factor_resets.DAYS),
            "stay_url": f"{settings.SITE_URL}/accounts/2fa/stay/WzcsIjIwMjYiXQ:{_KEY}/",
        },
        "factors_reset": {"user": user, "factors_url": f"{settings.SITE_URL}/accounts/2fa/"},
        "account_already_exists": ways,
        "unknown_account": ways,
        **{name: dict(happened) for name in _NOTIFICATIONS},
        **{name: {"user": user, "code": "TEA-POT"} for name in _CODES},
    }

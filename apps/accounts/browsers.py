"""Browsers that a person has signed in from: the others cause mail, and a code if one is needed.

A cookie of a year names the browser by 128 random bits, and by others for each account that signs in there:
who noted it, or set it, before an account's first sign-in has no name that this account knows. The database
has the digests of an account's names, the `MOST` of them that were seen last. The cookie opens nothing: its
browser is only not told about.

*Guessing over many networks*: after as many failures of an account as "failed_sign_in_anywhere" allows, and
as long as that limit is met, the right password in an unknown browser is answered by a code that is mailed to
the owner. The owner is not locked out: their own browsers are known, and others get the code. With the
setting CODE_FOR_UNKNOWN_BROWSERS the code is asked for in each unknown browser, at any time: then a password
alone opens no account. Who is asked for a second factor anyway is not asked for a code, too.

*A link is as good as a code*: who set a new password by one within ten minutes has shown their mail, or got
the link from an operator while mail is down (``manage.py resetlink``).
"""

import re
import secrets
import time
from collections.abc import Callable
from hashlib import sha256
from typing import Any

from allauth.account.internal.flows.login import get_authentication_records
from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from allauth.mfa.utils import is_mfa_enabled
from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from django.utils import timezone

from apps import limits
from apps.accounts.models import KnownBrowser, User
from apps.securitylog import clients

MOST = 20
# Accounts that one browser has names for.
MOST_NAMES = 8
COOKIE_AGE = 365 * 86_400
# Recovery codes alone are no factor: they are made with one, and nothing asks for them alone.
FACTORS = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)
_LINK_USED = "password_by_link"  # in the session: for which account, and when
_NAME = re.compile(r"\A[A-Za-z0-9_-]{22}\Z")
_LONGEST = MOST_NAMES * len(f"{'x' * 22}.")


def is_known(request: HttpRequest, user: User) -> bool:
    return _of_browser(request, user).exists()


def remember(request: HttpRequest, response: HttpResponse, user: User) -> bool:
    """Knows the browser from now on. Returns whether it is new to the account."""
    known = _of_browser(request, user).order_by("pk").first()
    names = {_digest(name): name for name in _names_in(request)}
    with transaction.atomic():
        if known is not None:
            name = names.pop(known.digest)
            KnownBrowser.objects.filter(pk=known.pk).update(seen_at=timezone.now())
        else:
            name = secrets.token_urlsafe(16)
            KnownBrowser.objects.create(user=user, digest=_digest(name), seen_at=timezone.now())
            mine = KnownBrowser.objects.filter(user=user).order_by("-seen_at", "-pk")
            KnownBrowser.objects.filter(pk__in=list(mine.values_list("pk", flat=True)[MOST:])).delete()
    response.set_cookie(
        settings.KNOWN_BROWSER_COOKIE,
        ".".join([*names.values(), name][-MOST_NAMES:]),
        max_age=COOKIE_AGE,
        secure=settings.SESSION_COOKIE_SECURE,
        httponly=True,
        samesite="Lax",
    )
    return known is None


def forget(user: User, *, but: HttpRequest | None = None) -> None:
    """Knows none of the account's browsers any more; or only that of the request."""
    kept = [_digest(name) for name in _names_in(but)] if but is not None else []
    KnownBrowser.objects.filter(user=user).exclude(digest__in=kept).delete()


def tell_owner(request: HttpRequest, user: User, send: Callable[[str, str, dict[str, Any]], None]) -> None:
    """Mails when and where someone signed in, and what to do if it was not the owner."""
    if not limits.hit("new_browser_mail", user.pk, durable=False):
        return
    context = {
        "user": user,
        "at": timezone.now(),
        "user_agent": request.headers.get("User-Agent", ""),
        "network": clients.of_request(request)["network"],
        "reset_url": settings.SITE_URL + reverse("account_reset_password"),
        "sessions_url": settings.SITE_URL + reverse("usersessions_list"),
    }
    send("account/email/new_browser", user.email, context)


def must_show_code(request: HttpRequest, user: User) -> bool:
    """Whether the right password, which was typed just now, is not enough in this browser."""
    done = get_authentication_records(request, user)
    return (
        bool(done)
        and done[-1]["method"] == "password"
        and (settings.CODE_FOR_UNKNOWN_BROWSERS or limits.is_met("failed_sign_in_anywhere", "user", user.pk))
        and not is_known(request, user)
        and not is_mfa_enabled(user, FACTORS)
        and not _has_used_link(request, user)
        and address_for_code(user) is not None
    )


def address_for_code(user: User) -> str | None:
    """A confirmed address. Without one allauth asks for the confirmation, which is a link in a mail."""
    confirmed = EmailAddress.objects.filter(user=user, verified=True).order_by("-primary", "pk")
    return confirmed.values_list("email", flat=True).first()


def note_link(sender: object, request: HttpRequest, user: User, **_: object) -> None:
    """A receiver of allauth's `password_reset`: this session has a new password by a link."""
    request.session[_LINK_USED] = [user.pk, time.time()]


def _has_used_link(request: HttpRequest, user: User) -> bool:
    user_id, at = request.session.get(_LINK_USED) or (None, 0.0)
    return user_id == user.pk and time.time() - at < settings.ACCOUNT_LOGIN_BY_CODE_TIMEOUT


def may_send_code(request: HttpRequest, user: User) -> limits.Decision | None:
    """Counts one more code; returns the refusal if there were too many."""
    if not (here := limits.hit("sign_in_code", user.pk, limits.client_network(request))):
        return here
    if not (anywhere := limits.hit("sign_in_code_anywhere", user.pk)):
        here.refund()
        return anywhere
    return None


def _of_browser(request: HttpRequest, user: User) -> QuerySet[KnownBrowser]:
    """The account's row of this browser, if it knows it."""
    digests = [_digest(name) for name in _names_in(request)]
    return KnownBrowser.objects.filter(user=user, digest__in=digests)


def _names_in(request: HttpRequest) -> list[str]:
    """What the cookie calls the browser, that of the last sign-in last."""
    names = request.COOKIES.get(settings.KNOWN_BROWSER_COOKIE, "")[:_LONGEST].split(".")
    return [name for name in names if _NAME.match(name)]


def _digest(name: str) -> str:
    return sha256(name.encode()).hexdigest()

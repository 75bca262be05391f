"""The mails that say why a member's mail was not published, and that there is a new address.

The templates of the last are beside the other security notices.
"""

import re
from collections.abc import Callable, Iterator

from allauth.account.adapter import get_adapter
from allauth.core import context
from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string
from django.test import RequestFactory
from django.urls import reverse
from django.utils import timezone

from apps.accounts.models import User
from apps.commandqueue.mail.rendering import auto_generated

type Make = Callable[..., EmailMultiAlternatives]

_ADDRESS_MADE = "account/email/mail_address_made"
_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}>")


def refused(address: str, why: str, *, answered: str = "") -> EmailMultiAlternatives:
    """It has no words of the mail, whose Message-ID is ``answered``: mail programs show both together."""
    return _mail("mail_refused", address, why, answered)


def without_pictures(address: str, why: str, *, answered: str = "") -> EmailMultiAlternatives:
    """The words were published, and some pictures were not."""
    return _mail("mail_without_pictures", address, why, answered)


def tell_owner(owner: User) -> None:
    """Enqueues the mail that there is a new address; it has the address and the browser of the request."""
    get_adapter().send_notification_mail(_ADDRESS_MADE, owner, _contents(owner))


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields samples of each mail, by name, for `manage.py previewmail`."""
    yield "mail_refused", refused("ann@example.org", "say something first :)")
    yield (
        "mail_without_pictures",
        without_pictures("ann@example.org", "kettle.png is no picture we can read."),
    )
    owner = User(username="ann", email="ann@example.org")
    happened = {
        "ip": "2001:db8::1",
        "user_agent": "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0",
        "timestamp": timezone.now(),
    }
    with context.request_context(RequestFactory().get("/")):
        contents = _contents(owner) | happened
        yield "mail_address_made", get_adapter().render_mail(_ADDRESS_MADE, owner.email, contents)


def _contents(owner: User) -> dict[str, object]:
    return {"user": owner, "by_mail_url": settings.SITE_URL + reverse("by_mail")}


def _mail(name: str, address: str, why: str, answered: str) -> EmailMultiAlternatives:
    context = {"why": why, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    subject, text, html = (
        render_to_string(f"mail/{name}_{part}", context).strip()
        for part in ("subject.txt", "message.txt", "message.html")
    )
    mail = EmailMultiAlternatives(subject, text + "\n", to=[address])
    mail.attach_alternative(html, "text/html")
    # Prevents loops between automatic responders (RFC 3834).
    mail.extra_headers |= {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    if _MESSAGE_ID.fullmatch(answered):
        mail.extra_headers |= {"In-Reply-To": answered, "References": answered}
    return auto_generated(mail)

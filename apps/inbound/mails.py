"""The mail that says why a member's mail was not published."""

import re
from collections.abc import Callable, Iterator

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.commandqueue.mail.rendering import auto_generated

type Make = Callable[..., EmailMultiAlternatives]

_MESSAGE_ID = re.compile(r"<[!-;=?-~]{1,200}>")


def refused(address: str, why: str, *, answered: str = "") -> EmailMultiAlternatives:
    """It has no words of the mail, whose Message-ID is ``answered``: mail programs show both together."""
    return _mail("mail_refused", address, why, answered)


def without_pictures(address: str, why: str, *, answered: str = "") -> EmailMultiAlternatives:
    """The words were published, and some pictures were not."""
    return _mail("mail_without_pictures", address, why, answered)


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields samples of each mail, by name, for `manage.py previewmail`."""
    yield "mail_refused", refused("ann@example.org", "say something first :)")
    yield (
        "mail_without_pictures",
        without_pictures("ann@example.org", "kettle.png is no picture we can read."),
    )


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

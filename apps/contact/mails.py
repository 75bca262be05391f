"""The mails about a message. They are transactional, so they have no unsubscribe link."""

import copy
from collections.abc import Iterator
from email.headerregistry import Address

from django.conf import settings
from django.core.mail import EmailMessage, EmailMultiAlternatives
from django.template.loader import render_to_string

from apps.commandqueue.mail.rendering import auto_generated
from apps.contact.models import Message
from apps.plaintext import clean, clean_line


def for_operators(message: Message) -> EmailMultiAlternatives:
    """The message, sent from the site's address (DMARC), with the sender in Reply-To."""
    message = _cleaned(message)
    mail = _mail("contact_operators", message)
    mail.to = [settings.CONTACT_EMAIL]
    mail.reply_to = [str(Address(display_name=message.name, addr_spec=message.email))]
    return mail


def for_sender(message: Message) -> EmailMultiAlternatives:
    """The acknowledgement.

    It contains no text from the form: the address may belong to another person, and the form must not send
    them anything that its sender wrote.
    """
    mail = _mail("contact_sender", message)
    mail.to = [message.email]
    # Prevents loops between automatic responders (RFC 3834).
    mail.extra_headers |= {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    return mail


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Yields samples of each mail, by name, for `manage.py previewmail`."""
    message = Message(
        pk=7,
        name="Ann O'Tea",
        email="ann@example.org",
        subject="the kettle & the <pot>",
        text="hello you,\n\nthe kettle is lovely, but where is the pot? 1 < 2, i'd say :)\n\nann",
    )
    yield "contact_operators", for_operators(message)
    yield "contact_sender", for_sender(message)


def _cleaned(message: Message) -> Message:
    """A normalized copy: rows of an earlier release were stored as typed."""
    cleaned = copy.copy(message)
    cleaned.name, cleaned.subject = clean_line(message.name), clean_line(message.subject)
    cleaned.text = clean(message.text)
    return cleaned


def _mail(name: str, message: Message) -> EmailMultiAlternatives:
    context = {"message": message, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    subject, text, html = (
        render_to_string(f"mail/{name}_{part}", context).strip()
        for part in ("subject.txt", "message.txt", "message.html")
    )
    mail = EmailMultiAlternatives(subject, text + "\n")
    mail.attach_alternative(html, "text/html")
    return auto_generated(mail)

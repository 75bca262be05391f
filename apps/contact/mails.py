"""The mails about a message. Neither can be unsubscribed from: each is about one thing somebody just did."""

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
    """The message itself: from the site, which alone may sign such mail; an answer goes to the sender."""
    message = _cleaned(message)
    mail = _mail("contact_operators", message)
    mail.to = [settings.CONTACT_EMAIL]
    mail.reply_to = [str(Address(display_name=message.name, addr_spec=message.email))]
    return mail


def for_sender(message: Message) -> EmailMultiAlternatives:
    """That the message is here.

    Not a word in it is the sender's, the name neither: whoever typed the address in may not own it, and
    must not be able to send anything to others through us.
    """
    mail = _mail("contact_sender", message)
    mail.to = [message.email]
    # Told apart from people's mail, so that no two machines thank each other for ever (RFC 3834).
    mail.extra_headers |= {"Auto-Submitted": "auto-replied", "X-Auto-Response-Suppress": "All"}
    return mail


def samples() -> Iterator[tuple[str, EmailMessage]]:
    """Each mail by its name, with made-up contents, to be looked at."""
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
    """A copy fit for a mail, for one that was kept before its form cleaned."""
    said = copy.copy(message)
    said.name, said.subject = clean_line(message.name), clean_line(message.subject)
    said.text = clean(message.text)
    return said


def _mail(name: str, message: Message) -> EmailMultiAlternatives:
    context = {"message": message, "site_name": settings.SITE_NAME, "site_url": settings.SITE_URL}
    subject, text, html = (
        render_to_string(f"mail/{name}_{part}", context).strip()
        for part in ("subject.txt", "message.txt", "message.html")
    )
    mail = EmailMultiAlternatives(subject, text + "\n")
    mail.attach_alternative(html, "text/html")
    return auto_generated(mail)

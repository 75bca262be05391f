"""Taking a message in."""

import uuid

from django.conf import settings
from django.db import transaction

from apps import limits
from apps.accounts.models import User
from apps.contact import mails
from apps.contact.models import Message


def receive(
    *, form_key: uuid.UUID, name: str, email: str, subject: str, text: str, member: User | None = None
) -> Message:
    """Keeps a message, mails it to the operators and tells the sender that it is here; all of it or nothing.

    A form that was sent before changes nothing and gives the message it was. Raises what the database
    raises, and OSError where mail goes out directly and can't; then nothing was kept.
    """
    may_answer = limits.hit("contact_answer", email.lower())
    with transaction.atomic():
        message, is_new = Message.objects.get_or_create(
            form_key=form_key,
            defaults={"name": name, "email": email, "subject": subject, "text": text, "member": member},
        )
        if is_new and settings.CONTACT_EMAIL:
            mails.for_operators(message).send()
        if is_new and may_answer:
            mails.for_sender(message).send()
    return message

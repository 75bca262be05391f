"""Writes of contact messages."""

import uuid

from django.conf import settings
from django.db import transaction

from apps import limits
from apps.accounts import languages
from apps.accounts.models import User
from apps.contact import mails
from apps.contact.models import Message


def receive(
    *, form_key: uuid.UUID, name: str, email: str, subject: str, text: str, member: User | None = None
) -> Message:
    """Stores a message, and mails the operators and the sender.

    A repeated ``form_key`` returns the stored message and changes nothing. Raises database errors, and
    OSError if a direct mail backend fails; then nothing is stored.
    """
    may_acknowledge = limits.hit("contact_answer", email.lower())
    with transaction.atomic():
        message, is_new = Message.objects.get_or_create(
            form_key=form_key,
            defaults={"name": name, "email": email, "subject": subject, "text": text, "member": member},
        )
        if is_new and settings.CONTACT_EMAIL:
            with languages.of_site():
                mails.for_operators(message).send()
        if is_new and may_acknowledge:
            mails.for_sender(message).send()
    return message

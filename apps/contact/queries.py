"""Reads of contact messages."""

import uuid

from apps.contact.models import Message


def is_stored(form_key: uuid.UUID) -> bool:
    """Whether this form was sent before."""
    return Message.objects.filter(form_key=form_key).exists()

"""Reads of messages."""

import uuid

from apps.contact.models import Message


def is_here(form_key: uuid.UUID) -> bool:
    """Whether this form was sent before."""
    return Message.objects.filter(form_key=form_key).exists()

"""What the contact form deletes of a person whose account is deleted: what they wrote to the operators."""

from django.db import transaction
from django.db.models import Q

from apps.accounts import erasing
from apps.accounts.identity import identity
from apps.contact.models import Message


@transaction.atomic
def erase_messages(person_id: int, limit: int) -> int:
    """Those of the signed-in person, and those from one of their addresses."""
    theirs = Q(member=person_id) | Q(email__in=identity(person_id).addresses)
    ids = list(Message.objects.filter(theirs).values_list("pk", flat=True)[:limit])
    return Message.objects.filter(pk__in=ids).delete()[0]


erasing.register("messages to the operators", erase_messages, erasing.ABOUT)

"""What notifications delete of a person whose account is deleted: others' notices of what they did."""

from django.db import transaction

from apps.accounts import erasing
from apps.accounts.keys import user_key
from apps.invalidation import invalidate
from apps.notifications.models import Notice


@transaction.atomic
def erase_notices(person_id: int, limit: int) -> int:
    """Invalidates the recipients, whose cached users have the unread mark."""
    found = dict(Notice.objects.filter(actor=person_id).values_list("pk", "recipient_id")[:limit])
    Notice.objects.filter(pk__in=found).delete()
    invalidate(cache=map(user_key, found.values()))
    return len(found)


erasing.register("notices", erase_notices, erasing.ABOUT)

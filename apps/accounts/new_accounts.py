"""Which accounts are new: limits of their own apply to them."""

import datetime

from django.utils import timezone

from apps.accounts.models import User
from apps.policy.queries import current


def is_new(person: User) -> bool:
    """Whether the account is younger than the policy's hours, and no member or operator vouches for it."""
    if person.is_vouched or person.is_staff:
        return False
    hours = (person.policy or current()).hours_of_new_accounts
    return timezone.now() - person.joined_at < datetime.timedelta(hours=hours)

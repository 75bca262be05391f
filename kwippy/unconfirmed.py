"""Removes users of a former release who never confirmed their e-mail address.

This release stores sign-ups in a table of their own until then, and creates no such users.
"""

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.accounts.names import SIGN_UP_LIFETIME
from apps.accounts.queries import UNCONFIRMED
from apps.graph.actions import unfollow
from apps.graph.models import Follow

_BATCH = 100


def remove() -> int:
    """Removes those whose time to confirm is over, with all rows that refer to them; returns their number."""
    over = User.objects.filter(UNCONFIRMED, joined_at__lte=timezone.now() - SIGN_UP_LIFETIME).order_by("pk")
    removed, last = 0, 0
    while users := list(over.filter(pk__gt=last)[:_BATCH]):
        last = users[-1].pk
        removed += sum(map(_remove, users))
    return removed


@transaction.atomic
def _remove(user: User) -> bool:
    """Removes one user. Returns False if the address has been confirmed meanwhile."""
    # Locks all at once, in one order: `unfollow` would lock two at a time.
    lock_people({user.pk, *Follow.objects.filter(followee=user).values_list("follower_id", flat=True)})
    list(EmailAddress.objects.select_for_update().filter(user=user))
    if not User.objects.filter(UNCONFIRMED, pk=user.pk).exists():
        return False
    # This updates the followers' counters. Such a user never signed in, so has no kwips and follows no one.
    for follow in Follow.objects.filter(followee=user).select_related("follower"):
        unfollow(follower=follow.follower, followee=user)
    user.delete()
    return True

"""Removes users of a former release that never confirmed their address.

Since sign-ups wait in a table of their own, no such user is made any more.
"""

from allauth.account.models import EmailAddress
from django.db import transaction
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.accounts.names import SIGN_UP_WAITS
from apps.accounts.queries import UNCONFIRMED
from apps.graph.actions import unfollow
from apps.graph.models import Follow

_BATCH = 100


def remove() -> int:
    """Removes those that joined long enough ago, with all that refers to them; returns how many."""
    over = User.objects.filter(UNCONFIRMED, joined_at__lte=timezone.now() - SIGN_UP_WAITS).order_by("pk")
    removed, last = 0, 0
    while users := list(over.filter(pk__gt=last)[:_BATCH]):
        last = users[-1].pk
        removed += sum(map(_remove, users))
    return removed


@transaction.atomic
def _remove(user: User) -> bool:
    """Removes one, unless the address was confirmed meanwhile."""
    # All at once, as `unfollow` locks two of them each time.
    lock_people({user.pk, *Follow.objects.filter(followee=user).values_list("follower_id", flat=True)})
    list(EmailAddress.objects.select_for_update().filter(user=user))
    if not User.objects.filter(UNCONFIRMED, pk=user.pk).exists():
        return False
    # Their counters go down with it. Such a user never signed in, so that they wrote and follow nothing.
    for follow in Follow.objects.filter(followee=user).select_related("follower"):
        unfollow(follower=follow.follower, followee=user)
    user.delete()
    return True

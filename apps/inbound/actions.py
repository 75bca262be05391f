"""Switching one's address on and off; what was read; both repeatable."""

import datetime
import uuid
from collections.abc import Callable

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.inbound import addresses
from apps.inbound.models import SecretAddress, SeenMail

_BATCH = 1_000


@transaction.atomic
def switch_on(*, user: User, form_key: uuid.UUID, tell: Callable[[User], None]) -> str:
    """Makes a new address, which replaces a former one. Returns it: only its hash is kept.

    ``tell`` enqueues the mail to the owner, in the transaction: no new address without its mail.
    """
    token = addresses.secret_token(user.pk, form_key)
    token_hash = addresses.hash_of(token)
    lock_people({user.pk})  # so that a form that is sent twice at once is told of once
    if not SecretAddress.objects.filter(user=user, token_hash=token_hash).exists():
        made = {"token_hash": token_hash, "made_at": timezone.now(), "used_at": None}
        SecretAddress.objects.update_or_create(user=user, defaults=made)
        tell(user)
    return addresses.of_token(token)


def switch_off(*, user: User) -> None:
    SecretAddress.objects.filter(user=user).delete()


def mark_seen(*, key: uuid.UUID, user: User) -> bool:
    """Records that a mail was read; False if it was before."""
    made = SeenMail.objects.bulk_create([SeenMail(key=key, user=user)], ignore_conflicts=True)
    return bool(made)


def mark_used(*, user: User) -> None:
    SecretAddress.objects.filter(user=user).update(used_at=timezone.now())


def sweep() -> int:
    """Deletes what was read long ago, in batches; returns how many."""
    before = timezone.now() - datetime.timedelta(days=settings.INBOUND_SEEN_DAYS)
    swept = 0
    while True:
        old = SeenMail.objects.filter(seen_at__lt=before).order_by("seen_at").values("pk")[:_BATCH]
        number, _ = SeenMail.objects.filter(pk__in=old).delete()
        swept += number
        if number < _BATCH:
            return swept

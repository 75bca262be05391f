"""Whose address a mail came to."""

import uuid
from collections.abc import Iterable
from typing import NamedTuple

from apps.accounts.models import User
from apps.inbound import addresses
from apps.inbound.addresses import Reply
from apps.inbound.models import SecretAddress, SeenMail


class Addressee(NamedTuple):
    """Whose address it is, and what it answers; None for a secret address."""

    user: User
    reply: Reply | None

    @property
    def purpose(self) -> str:
        return f"{self.user.pk}:{self.reply.thread_id if self.reply else 'kwip'}"


def addressee(recipients: Iterable[str]) -> Addressee | None:
    """The first of the addresses that is one of ours; None if there is none."""
    for token in filter(None, map(addresses.token_of, recipients)):
        reply = addresses.reply_of(token)
        user_id = reply.person_id if reply else _owner_of(token)
        if user_id is not None and (user := User.objects.of_request(user_id)) is not None:
            return Addressee(user, reply)
    return None


def _owner_of(token: str) -> int | None:
    rows = SecretAddress.objects.filter(token_hash=addresses.hash_of(token))
    return rows.values_list("user_id", flat=True).first()


def address_of(user: User) -> SecretAddress | None:
    return SecretAddress.objects.filter(user=user).first()


def is_seen(key: uuid.UUID) -> bool:
    return SeenMail.objects.filter(pk=key).exists()

"""Writes of tokens. Each is one transaction, and repeatable."""

from collections.abc import Callable
from contextlib import suppress

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.models import User
from apps.securitylog import Event, record
from apps.tokens import secret
from apps.tokens.models import MOST, Scope, Token
from apps.tokens.queries import USED_EVERY


class TooMany(Exception):
    """The person has `MOST` tokens."""


def make(*, owner: User, name: str, scope: Scope, form_key: str, tell: Callable[[Token], None]) -> str:
    """Makes a token, once for each ``form_key``, and returns its secret. Raises `TooMany`.

    ``tell`` enqueues the mail to the owner, in the transaction: no token without its mail.
    """
    made = secret.of_form(owner.pk, form_key)
    digest = secret.digest_of(made)
    assert digest is not None, "a secret has the shape of one"  # noqa: S101
    with transaction.atomic():
        lock_people({owner.pk})  # so that tokens made at the same time are counted
        mine = Token.objects.filter(owner=owner)
        if not mine.filter(digest=digest).exists():
            if mine.count() >= MOST:
                raise TooMany
            token = Token.objects.create(owner=owner, name=name, scopes=scope.value, digest=digest)
            record(Event.TOKEN_MADE, user_id=owner.pk, token=token.pk, scope=" ".join(scope.names))
            tell(token)
    return made


@transaction.atomic
def revoke(*, owner: User, token_id: int) -> None:
    if Token.objects.filter(owner=owner, pk=token_id).delete()[0]:
        record(Event.TOKEN_ENDED, user_id=owner.pk, token=token_id)


@transaction.atomic
def revoke_all(*, owner: User) -> None:
    if number := Token.objects.filter(owner=owner).delete()[0]:
        record(Event.TOKEN_ENDED, user_id=owner.pk, number=number)


def note_used(token: Token) -> None:
    """Stores the time, at most once in `USED_EVERY`. If that fails, the request goes on."""
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < USED_EVERY:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
    is_first = token.last_used_at is None
    with suppress(OperationalError, InterfaceError):
        # Of two first requests at once, one is recorded.
        rows = Token.objects.filter(Q(last_used_at=None) if is_first else due, pk=token.pk)
        if rows.update(last_used_at=now) and is_first:
            record(Event.TOKEN_USED_FIRST, user_id=token.owner_id, token=token.pk)

"""Writes of tokens. Each is one transaction, and repeatable."""

from collections.abc import Callable
from contextlib import suppress

from django.db import InterfaceError, OperationalError, transaction
from django.db.models import Q
from django.utils import timezone

from apps.accounts.counters import lock_people
from apps.accounts.models import User
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
            tell(Token.objects.create(owner=owner, name=name, scopes=scope.value, digest=digest))
    return made


def revoke(*, owner: User, token_id: int) -> None:
    Token.objects.filter(owner=owner, pk=token_id).delete()


def revoke_all(*, owner: User) -> None:
    Token.objects.filter(owner=owner).delete()


def note_used(token: Token) -> None:
    """Stores the time, at most once in `USED_EVERY`. If that fails, the request goes on."""
    now = timezone.now()
    if token.last_used_at is not None and now - token.last_used_at < USED_EVERY:
        return
    due = Q(last_used_at=None) | Q(last_used_at__lte=now - USED_EVERY)
    with suppress(OperationalError, InterfaceError):
        Token.objects.filter(due, pk=token.pk).update(last_used_at=now)

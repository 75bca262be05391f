"""Reads of tokens."""

import datetime

from django.db.models import QuerySet

from apps.tokens.models import Token

# Noting each use would cost more than the use.
USED_EVERY = datetime.timedelta(hours=1)


def of_owner(owner_id: int) -> QuerySet[Token]:
    """The newest first."""
    return Token.objects.filter(owner=owner_id).order_by("-pk")


def by_digest(digest: str) -> Token | None:
    return Token.objects.defer("digest", "name").filter(digest=digest).first()

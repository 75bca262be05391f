"""Bookmarks: kwips and comments that a person keeps on a page that no one else sees.

They change no card and no page of others, so they emit no event.
"""

from django.db import connection, transaction

from apps.accounts.models import User
from apps.kwips.actions import Gone
from apps.kwips.models import Bookmark, Kwip
from apps.kwips.visibility import SQL
from apps.statements import execute_together

MOST = 5_000  # of one person


class TooMany(Exception):
    """The person has `MOST` bookmarks."""


def bookmark(*, kwip: Kwip, user: User) -> None:
    """Adds a bookmark, once. Raises `Gone`, `TooMany`."""
    with transaction.atomic(), connection.cursor() as cursor:
        statements = [SQL.statement("lock_person"), SQL.statement("bookmark")]
        execute_together(cursor, statements, {"kwip": kwip.pk, "person": user.pk, "most": MOST})
        row = cursor.fetchone()
    if row is None:
        raise Gone
    if not row[0]:
        raise TooMany


def unbookmark(*, kwip: Kwip, user: User) -> None:
    Bookmark.objects.filter(kwip=kwip, user=user).delete()

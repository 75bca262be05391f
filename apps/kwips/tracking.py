"""Tracking: the conversations whose new comments notify a person.

The author of a kwip tracks it without a row, so that publishing writes none. A row is what a person chose:
by the box below a comment, or by the button of the conversation. In a conversation for followers, a person
who no longer follows keeps the row; what reads it checks the visibility predicate.
"""

from django.db import connection

from apps.accounts.models import User
from apps.kwips.models import Kwip, Track
from apps.kwips.visibility import SQL


def set_tracking(*, kwip: Kwip, user: User, is_on: bool) -> None:
    """Stores the choice; one statement. ``kwip`` is not a comment. A deleted kwip changes nothing."""
    with connection.cursor() as cursor:
        SQL.statement("track").execute_prepared(cursor, {"kwip": kwip.pk, "user": user.pk, "is_on": is_on})


def chosen(kwip: Kwip, user: User) -> bool | None:
    """What ``user`` chose for the conversation of ``kwip``, None if nothing."""
    return Track.objects.filter(kwip=kwip, user=user).values_list("is_on", flat=True).first()


def is_tracking(choice: bool | None, kwip: Kwip, user: User) -> bool:
    """Whether ``user``, who made this choice, tracks the conversation of ``kwip``."""
    return kwip.author_id == user.pk if choice is None else choice

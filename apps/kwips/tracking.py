"""Tracking: the conversations whose new comments notify a person, and what they saw of these.

The author of a kwip tracks it without a row, so that publishing writes none. A row is what a person chose:
by the box below a comment, or by the button of the conversation. In a conversation for followers, a person
who no longer follows keeps the row; what reads it checks the visibility predicate.

A row also has the newest comment that was on a page which the person opened, for those who track. A page
view writes it only if it showed a later one. Comments of a conversation commit in the order of their ids, so
one id says which were seen. The row is the person's own: no page of anyone else reads it.
"""

from typing import NamedTuple

from django.db import connection

from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.kwips.talk import Seen
from apps.kwips.visibility import SQL, Visible


class Tracked(NamedTuple):
    """What a person chose for a conversation, None if nothing; whether they track it, and what they saw.

    ``has_later``: someone else wrote after that; the person may not be able to see it. ``is_pinned``: the
    person pinned the kwip to the top of their own page.
    """

    choice: bool | None
    is_on: bool
    seen: Seen | None = None
    has_later: bool = False
    is_pinned: bool = False


def set_tracking(*, kwip: Kwip, user: User, is_on: bool) -> None:
    """Stores the choice; one statement. ``kwip`` is not a comment. A deleted kwip changes nothing."""
    with connection.cursor() as cursor:
        SQL.statement("track").execute_prepared(cursor, {"kwip": kwip.pk, "user": user.pk, "is_on": is_on})


def tracked(kwip: Kwip, user: User) -> Tracked:
    """One statement. ``seen`` is None for a person who does not track."""
    with connection.cursor() as cursor:
        SQL.statement("tracked").execute_prepared(cursor, {"kwip": kwip.pk, "user": user.pk})
        [(choice, seen_id, seen_at, has_later, is_pinned)] = cursor.fetchall()
    is_on = kwip.author_id == user.pk if choice is None else choice
    if not choice or seen_id is None:
        return Tracked(choice, is_on, is_pinned=is_pinned)
    return Tracked(choice, is_on, Seen(seen_id, seen_at), has_later, is_pinned)


def see(*, kwip: Kwip, user: User, tracked: Tracked, newest: Visible | None) -> None:
    """The user opened a page up to the comment ``newest``. One statement if they track, and it is later."""
    if not tracked.is_on or newest is None or (tracked.seen and newest <= tracked.seen.id):
        return
    with connection.cursor() as cursor:
        parameters = {"kwip": kwip.pk, "user": user.pk, "comment": newest}
        SQL.statement("see_comments").execute_prepared(cursor, parameters)

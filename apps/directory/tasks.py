"""Recurring commands that compute what the pages show."""

import datetime
import time

from django.conf import settings
from django.db import connection, transaction
from django.tasks import task
from django.utils import timezone

from apps.accounts.models import User
from apps.directory.keys import DIRECTORY
from apps.directory.models import ACTIVE_PEOPLE, BUSY_TAGS, SUGGESTIONS, ActivePerson, BusyTag, Suggestion
from apps.directory.statements import SQL, ids
from apps.invalidation import invalidate

ACTIVE_DAYS = 14
TAG_DAYS = 7
WINDOW = 50_000  # kwips that one command reads
NEAR = 200  # followees of a member, and of each of these
BATCH = 20  # members of one transaction
SECONDS = 60.0  # after these a command enqueues its continuation, so that others of the queue run


@task(queue_name="bulk")
@transaction.atomic
def find_active_and_busy() -> bool:
    """Replaces the active people and the busy tags. Returns whether they changed."""
    people = ids("find_active", days=ACTIVE_DAYS, window=WINDOW, limit=ACTIVE_PEOPLE)
    tags = ids("find_busy_tags", days=TAG_DAYS, window=WINDOW, limit=BUSY_TAGS)
    changed = [_replace(ActivePerson, "person_id", people), _replace(BusyTag, "tag_id", tags)]
    if any(changed):
        invalidate(pages=[DIRECTORY])
    return any(changed)


def _replace[T: (ActivePerson, BusyTag)](table: type[T], column: str, found: list[int]) -> bool:
    """Makes ``found`` the rows of the table, in this order. Returns whether they differed."""
    if found == list(table.objects.order_by("place").values_list(column, flat=True)):
        return False
    table.objects.all().delete()
    table.objects.bulk_create([table(place=place, **{column: pk}) for place, pk in enumerate(found, 1)])
    return True


@task(queue_name="bulk")
def suggest(after: int = 0) -> int:
    """Replaces the suggestions of the members beyond the id ``after``. Returns how many members had a turn.

    Of members who signed in so long ago that their session ended it deletes them.
    """
    until, turns = time.monotonic() + SECONDS, 0
    while members := _suggest_batch(after):
        turns += len(members)
        after = members[-1]
        if time.monotonic() > until:
            suggest.enqueue(after)
            break
    return turns


@transaction.atomic
def _suggest_batch(after: int) -> list[int]:
    since = timezone.now() - datetime.timedelta(seconds=settings.SESSION_COOKIE_AGE)
    signed_in = User.objects.filter(pk__gt=after, is_active=True, last_login__gt=since, following_count__gt=0)
    members = list(signed_in.order_by("pk").values_list("pk", flat=True)[:BATCH])
    former = Suggestion.objects.filter(member_id__gt=after)
    (former.filter(member_id__lte=members[-1]) if members else former).delete()
    if members:
        with connection.cursor() as cursor:
            parameters = {"members": members, "near": NEAR, "limit": SUGGESTIONS}
            SQL.statement("suggest").execute(cursor, parameters)
    return members

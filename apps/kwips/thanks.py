"""Favourites as thanks: how many the kwips of a person got, for those who want to know. Off by default.

A `Thanks` row counts the favourites of its person's kwips and comments up to the id ``counted_to``; a command
moves that, batch by batch, until it is `Thanks.ALL`. Lock order: kwips, people, thanks. A favourite locks the
row even for a kwip beyond ``counted_to``, so it is counted once: by its own statement or by the command.
"""

from collections.abc import Iterable

from django.db import connection, transaction
from django.db.models import F, Sum
from django.tasks import task

from apps.accounts.models import User
from apps.kwips.models import Kwip, Thanks
from apps.kwips.visibility import SQL

BATCH = 500


@transaction.atomic
def show(*, user: User) -> None:
    """Begins to count; repeatable."""
    if Thanks.objects.get_or_create(person=user)[1]:
        count.enqueue(user.pk)


def hide(*, user: User) -> None:
    """Forgets the number; repeatable."""
    Thanks.objects.filter(person=user).delete()


def of(user: User) -> Thanks | None:
    """The number, None if the user does not want to know. `is_counted` says whether it is complete."""
    return Thanks.objects.filter(person=user).first()


@task(queue_name="bulk")
def count(person_id: int) -> int:
    """Counts the favourites of a person's earlier kwips. Returns how many batches it took."""
    batches = 0
    while _count_batch(person_id):
        batches += 1
    return batches


@transaction.atomic
def _count_batch(person_id: int) -> bool:
    thanks = Thanks.objects.filter(pk=person_id).first()
    if thanks is None or thanks.is_counted:
        return False
    beyond = Kwip.objects.filter(author=person_id, pk__gt=thanks.counted_to).order_by("pk")
    # Each has its index.
    kinds = [beyond.filter(thread__isnull=is_kwip).values_list("pk", flat=True) for is_kwip in (True, False)]
    ids = sorted(pk for kind in kinds for pk in kind[:BATCH])[:BATCH]
    # A favourite of them that began before the row was there ends first.
    list(Kwip.objects.filter(pk__in=ids).order_by("pk").select_for_update(no_key=True).values_list("pk"))
    row = Thanks.objects.select_for_update().filter(pk=person_id, counted_to=thanks.counted_to)
    if not row.exists():
        return True  # another command counted them
    last = ids[-1] if len(ids) == BATCH else Thanks.ALL
    number = beyond.filter(pk__lte=last).order_by().aggregate(number=Sum("favourites_count"))["number"]
    row.update(number=F("number") + (number or 0), counted_to=last)
    return last != Thanks.ALL


def take_back(kwips: Iterable[Kwip]) -> None:
    """Takes the favourites of deleted kwips out of the numbers. The caller holds the locks of the kwips."""
    gone = [(kwip.pk, kwip.author_id, kwip.favourites_count) for kwip in kwips if kwip.favourites_count]
    if gone:
        ids, authors, numbers = zip(*gone, strict=True)
        with connection.cursor() as cursor:
            parameters = {"ids": list(ids), "authors": list(authors), "numbers": list(numbers)}
            SQL.statement("take_back_thanks").execute(cursor, parameters)

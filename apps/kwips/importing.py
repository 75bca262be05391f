"""Kwips from an archive: kept with their dates, and below everything that was written here.

Every list of kwips is in the order of ids. So an imported kwip has an id below zero, which its date gives:
the microseconds until 2100, negative. It stands in the order of dates among imported kwips, on its author's
page and in every other list, and behind all kwips that were written here: a first page has it only where
these do not fill the page. No statement, column or index knows of it; ``id < 0`` is the mark.

Nothing notifies: there is no `events.published`. Mentions are not stored, since a name in an archive may be
another person's here. Each key is stored once for an author, and not again when the kwip is deleted.
"""

import datetime
import uuid
from collections.abc import Collection, Sequence
from typing import NamedTuple

from django.db import connection, transaction

from apps.accounts.counters import lock_people, move_counters
from apps.accounts.models import User
from apps.kwips import events, formatting
from apps.kwips.models import Kwip, KwipTag, Tag, Tombstone, Visibility, Withheld

EARLIEST = datetime.datetime(1990, 1, 1, tzinfo=datetime.UTC)
MOST = 50_000  # imported kwips of a person
_END = datetime.datetime(2100, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
_LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('kwips.importing', 0))"


class TooMany(Exception):
    """The author has `MOST` imported kwips."""


class Past(NamedTuple):
    """A kwip of an archive. ``text`` is clean; ``created_at`` is between `EARLIEST` and now."""

    key: uuid.UUID
    text: str
    created_at: datetime.datetime
    followers_only: bool
    content_note: str = ""
    is_formatted: bool = False


@transaction.atomic
def add_imported(*, author: User, kwips: Sequence[Past]) -> int:
    """Stores those whose keys are new. Returns how many. Raises `TooMany`, and then stores none."""
    # Ids are chosen by one import at a time. The author's row is locked as `publish` does.
    with connection.cursor() as cursor:
        cursor.execute(_LOCK)
    people = lock_people({author.pk})
    used = _used_keys(author.pk, [past.key for past in kwips])
    new = list({past.key: past for past in kwips if past.key not in used}.values())
    if not new:
        return 0
    if Kwip.objects.filter(author=author, thread=None, pk__lt=0).count() + len(new) > MOST:
        raise TooMany
    ids = _free_ids([past.created_at for past in new])
    made = [_kwip(people[author.pk], past, kwip_id) for past, kwip_id in zip(new, ids, strict=True)]
    Kwip.objects.bulk_create(made)
    tags = _add_tags(made)
    move_counters({author.pk: {"kwips_count": len(made)}}, people=people)
    events.imported.emit(events.Imported(people[author.pk], made, tags))
    return len(made)


def _used_keys(author_id: int, keys: Collection[uuid.UUID]) -> set[uuid.UUID]:
    """The keys of kwips and comments of the author, also of deleted ones."""
    used = Kwip.objects.filter(author=author_id, form_key__in=keys).values_list("form_key", flat=True)
    gone = Tombstone.objects.filter(author=author_id, form_key__in=keys).values_list("form_key", flat=True)
    return {*used, *gone}


def _free_ids(dates: Sequence[datetime.datetime]) -> list[int]:
    """An id for each date: the one that the date gives, or the next lower one that is free."""
    wanted = [-((_END - date) // _MICROSECOND) for date in dates]
    # Most dates differ, so one query finds most ids free.
    taken = set(Kwip.objects.filter(pk__in=wanted).values_list("pk", flat=True))
    ids: list[int] = []
    last: dict[int, int] = {}  # of equal dates
    for number in wanted:
        free = last.get(number, number)
        if free in taken:
            free = _free_below(free, taken)
        last[number] = free
        taken.add(free)
        ids.append(free)
    return ids


def _free_below(number: int, taken: set[int]) -> int:
    """The highest free id below a taken one: the ids below it are read until there is a gap."""
    rows = Kwip.objects.filter(pk__lt=number).order_by("-pk").values_list("pk", flat=True)
    for there in rows.iterator(chunk_size=1_000):
        while number - 1 > there and number - 1 in taken:
            number -= 1
        if number - 1 > there:
            return number - 1
        number = there
    while number - 1 in taken:
        number -= 1
    return number - 1


def _kwip(author: User, past: Past, kwip_id: int) -> Kwip:
    followers_only = past.followers_only or author.is_private
    return Kwip(
        id=kwip_id,
        author=author,
        text=past.text,
        content_note=past.content_note,
        is_formatted=past.is_formatted,
        visibility=Visibility.FOLLOWERS if followers_only else Visibility.EVERYONE,
        audience=author if followers_only else None,
        withheld=0 if author.is_active else Withheld.SUSPENDED.value,
        form_key=past.key,
        created_at=past.created_at,
        last_active_at=past.created_at,
    )


def _tags_of(kwip: Kwip) -> list[str]:
    return formatting.tags_and_mentions(kwip.text, formatted=kwip.is_formatted)[0]


def _add_tags(made: Sequence[Kwip]) -> dict[int, list[str]]:
    """Stores the tags of the texts. Returns their names by the ids of the kwips."""
    tags = {kwip.pk: names for kwip in made if (names := _tags_of(kwip))}
    new = {name for found in tags.values() for name in found}
    # Sorted, so that two writers of the same new tags cannot deadlock.
    Tag.objects.bulk_create([Tag(name=name) for name in sorted(new)], ignore_conflicts=True)
    ids = dict(Tag.objects.filter(name__in=new).values_list("name", "pk"))
    KwipTag.objects.bulk_create(
        [KwipTag(tag_id=ids[name], kwip_id=kwip_id) for kwip_id, found in tags.items() for name in found]
    )
    return tags

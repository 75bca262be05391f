"""Deletes unused pictures: those whose wait is over, those that nothing shows, and files without a row.

Files are deleted before their row, so that a sweep that is interrupted finds the name again. No transaction
is open meanwhile: a storage may be slow.
"""

import random
import re
from collections.abc import Iterable, Iterator
from datetime import timedelta
from itertools import batched

import structlog
from django.core.files.storage import default_storage
from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from apps.pictures import files, holders
from apps.pictures.models import Picture, Shape

log = structlog.get_logger("kwippy.pictures")

BATCH = 100
# A run looks at so many used pictures; the next one begins elsewhere. Files are compared so many at once.
LOOKED_AT = 1_000
# What is younger may be about to be shown, or stored.
YOUNG = timedelta(hours=1)
# Longer than a statement takes.
LONG = timedelta(hours=1)
# A storage that failed so often in a batch is not asked again: each answer may take seconds.
FAILURES = 3
type _Rows = QuerySet[Picture, tuple[int, str]]
_NAMED = re.compile(r"([0-9a-f]{32})\.[a-z.]+")


def sweep() -> int:
    """Deletes unused pictures; returns how many pictures and files. To be run every few minutes.

    Files without a row are looked for in one of the folders, another one each time.
    """
    folders = list(files.folders())
    return expired() + unheld() + strays(random.choice(folders))  # noqa: S311 - no secret


def expired() -> int:
    """Rows whose wait is over. What the storage does not delete is left to the next run."""
    swept = 0
    while batch := _given_up(Q()):
        deleted = _delete_or_leave(batch)
        swept += deleted
        if deleted == 0 or len(batch) < BATCH:
            break
    return swept


def unheld() -> int:
    """Used pictures that nothing shows, such as those of a row that was deleted with its references."""
    given_up: list[int] = []
    for shape in filter(holders.is_known, Shape):
        used = Picture.objects.filter(shape=shape, waits_until=None, created_at__lt=timezone.now() - YOUNG)
        looked_at = list(_somewhere(used.order_by("pk").values_list("pk", "name")))
        held = holders.held(shape, [name for _pk, name in looked_at])
        given_up += [pk for pk, name in looked_at if name not in held]
    return Picture.objects.filter(pk__in=given_up, waits_until=None).update(waits_until=Now())


def _somewhere(rows: _Rows) -> Iterator[tuple[int, str]]:
    """`LOOKED_AT` rows from a random place on, around the end; all of them if there are no more."""
    last = rows.last()
    start = random.randint(0, last[0]) if last else 0  # noqa: S311
    found = list(rows.filter(pk__gte=start)[:LOOKED_AT])
    yield from found
    yield from rows.filter(pk__lt=start)[: LOOKED_AT - len(found)]


def strays(folder: str) -> int:
    """Files without a row, as after a restored backup. An upload has its row before its files."""
    paths = [path for path in files.listed(folder) if _name_of(path)]
    return sum(_strays_of(some) for some in batched(paths, LOOKED_AT))


def _strays_of(paths: Iterable[str]) -> int:
    without = set(map(_name_of, paths))
    without.difference_update(Picture.objects.filter(name__in=without).values_list("name", flat=True))
    for shape in Shape:
        without -= holders.held(shape, without)
    swept = 0
    for path in paths:
        if _name_of(path) in without and default_storage.get_modified_time(path) < timezone.now() - YOUNG:
            default_storage.delete(path)
            swept += 1
    return swept


def _name_of(path: str) -> str:
    """The picture's name; "" if the file is none of ours."""
    named = _NAMED.fullmatch(path.rpartition("/")[2])
    return named[1] if named else ""


def discard(picture: Picture) -> None:
    """Deletes what was stored of an upload that failed, or leaves it to the sweep."""
    Picture.objects.filter(pk=picture.pk).update(waits_until=Now())
    # If another sweep has deleted the row meanwhile, these files are left.
    _delete_or_leave([picture])


def delete_now(pks: Iterable[int]) -> None:
    """Deletes given-up pictures at once. If the storage does not answer, the next sweep deletes them."""
    _delete_or_leave(_given_up(Q(pk__in=list(pks))))


def delete_of(owner_id: int, limit: int) -> int:
    """Deletes up to ``limit`` pictures of a person who leaves, used ones too; returns how many.

    Raises the storage's error if there are pictures and it deletes none.
    """
    with transaction.atomic():
        # Used ones first. Those that were tried before are last.
        of_owner = Picture.objects.select_for_update().filter(owner=owner_id).order_by("-waits_until")
        batch = _mark_given_up(of_owner[:limit])
    return _delete(batch)


@transaction.atomic
def _given_up(which: Q) -> list[Picture]:
    """A batch of those whose wait is over. They can't be used any more."""
    over = Picture.objects.select_for_update(skip_locked=True).filter(which, waits_until__lte=Now())
    return _mark_given_up(over.order_by("waits_until")[:BATCH])


def _mark_given_up(locked: QuerySet[Picture]) -> list[Picture]:
    """Ends the wait long ago: it is over for a statement, too, that began earlier and waits for the lock."""
    batch = list(locked)
    Picture.objects.filter(pk__in=[picture.pk for picture in batch]).update(waits_until=Now() - LONG)
    return batch


def _delete_or_leave(given_up: list[Picture]) -> int:
    try:
        return _delete(given_up)
    except Exception as error:  # each storage has errors of its own
        log.warning("pictures left to the sweep", error=repr(error))
        return 0


def _delete(given_up: list[Picture]) -> int:
    """Returns how many were deleted. One that the storage does not delete is behind the others next time.

    Raises the storage's error if it deleted none.
    """
    deleted, failures = 0, 0
    for picture in given_up:
        try:
            files.remove(picture.name, picture.shape)
        except Exception as error:  # each storage has errors of its own
            log.warning("picture not deleted yet", picture=picture.name, error=repr(error))
            Picture.objects.filter(pk=picture.pk).update(waits_until=Now())
            failures += 1
            if deleted == 0 and failures in (FAILURES, len(given_up)):
                raise
            if failures == FAILURES:
                break
        else:
            Picture.objects.filter(pk=picture.pk).delete()
            deleted += 1
    return deleted

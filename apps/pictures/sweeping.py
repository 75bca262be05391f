"""Deletes pictures whose wait is over: their files, then their rows."""

from collections.abc import Iterable

import structlog
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from apps.pictures import files
from apps.pictures.models import Picture

log = structlog.get_logger("kwippy.pictures")

BATCH = 100


def sweep() -> int:
    """Deletes what nobody uses; returns how many pictures. To be run every few minutes."""
    return _expired()


def discard(picture: Picture) -> None:
    """Deletes what was stored of an upload that failed, or leaves it to the sweep."""
    Picture.objects.filter(pk=picture.pk).update(waits_until=Now())
    delete_now([picture.pk])


def delete_now(pks: Iterable[int]) -> None:
    """Deletes given-up pictures at once. If the storage does not answer, the next sweep deletes them."""
    try:
        _over(Q(pk__in=list(pks)))
    except Exception as error:  # each storage has errors of its own
        log.warning("pictures not deleted yet", error=repr(error))


@transaction.atomic
def delete_of(owner_id: int, limit: int) -> int:
    """Deletes up to ``limit`` pictures of a person who leaves, used ones too; returns how many."""
    of_owner = Picture.objects.select_for_update().filter(owner=owner_id).order_by("pk")
    return _delete(list(of_owner[:limit]))


def _expired() -> int:
    swept = 0
    while batch := _over(Q()):
        swept += batch
    return swept


@transaction.atomic
def _over(which: Q) -> int:
    """Deletes a batch of those whose wait is over. Nobody can use them meanwhile."""
    over = Picture.objects.select_for_update(skip_locked=True).filter(which, waits_until__lte=Now())
    return _delete(list(over.order_by("waits_until")[:BATCH]))


def _delete(locked: list[Picture]) -> int:
    """The files first: if this is interrupted, the next run has the names."""
    for picture in locked:
        files.remove(picture.name, picture.shape)
    Picture.objects.filter(pk__in=[picture.pk for picture in locked]).delete()
    return len(locked)

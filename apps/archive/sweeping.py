"""The recurring command: archives that ended, commands that were lost, files without a row."""

from collections.abc import Callable, Iterable
from datetime import timedelta

import structlog
from django.db.models import F
from django.db.models.functions import Now
from django.tasks import task
from django.utils import timezone

from apps.archive import exporting, files, importing
from apps.archive.models import Export, Import

log = structlog.get_logger("kwippy.archive")

# The command of work that has not moved for so long is lost: a dead letter.
LOST_AFTER = timedelta(minutes=30)
MAX_RETRIES = 2
UPLOADS_KEPT = timedelta(days=1)
RESULTS_KEPT = timedelta(days=30)  # they have names of others


@task(queue_name="bulk")
def sweep() -> int:
    """Deletes what ended, enqueues what was lost. Returns how many files and folders it deleted."""
    now = timezone.now()
    Export.objects.filter(state=Export.State.READY, expires_at__lte=now).delete()
    _revive(Export, [Export.State.MAKING], lambda found: exporting.make.enqueue(found.pk))
    _revive(Import, [Import.State.CHECKING], lambda found: importing.check.enqueue(found.pk))
    _revive(Import, [Import.State.APPLYING], lambda found: importing.apply.enqueue(found.pk))
    Import.objects.filter(state=Import.State.CHECKED, moved_at__lte=now - UPLOADS_KEPT).delete()
    ended = [Import.State.DONE, Import.State.FAILED]
    Import.objects.filter(state__in=ended, moved_at__lte=now - RESULTS_KEPT).delete()
    unfailed = Export.objects.exclude(state=Export.State.FAILED)
    wanted = Import.objects.exclude(state__in=ended)
    return _delete_others(files.EXPORTS, unfailed.values_list("pk", flat=True)) + _delete_others(
        files.IMPORTS, wanted.values_list("pk", flat=True)
    )


def _revive[M: (Export, Import)](model: type[M], states: list[str], enqueue: Callable[[M], object]) -> None:
    """Enqueues lost work again; after `MAX_RETRIES` it has failed."""
    lost = model._default_manager.filter(state__in=states, moved_at__lte=timezone.now() - LOST_AFTER)
    for found in lost:
        here = model._default_manager.filter(pk=found.pk, state__in=states, moved_at=found.moved_at)
        if found.retries >= MAX_RETRIES:
            here.update(state=model.State.FAILED)
            log.error("archive failed", kind=model._meta.model_name, id=found.pk)
        elif here.update(retries=F("retries") + 1, moved_at=Now()):
            enqueue(found)


def _delete_others(kind: str, wanted: Iterable[int]) -> int:
    """Deletes the files whose row is gone or needs them no longer.

    The files are listed first: work that begins meanwhile has its row before its files.
    """
    there = files.ids_in(kind)
    others = set(there).difference(wanted)
    for number in others:
        files.remove(*there[number])
    return len(others)

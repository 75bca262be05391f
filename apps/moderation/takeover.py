"""Takes over the reports of the previous release, which go on arriving until its last process ends.

To be dropped with `apps.messages.models.Report`, one release later.
"""

from django.db import transaction
from django.tasks import task
from django.utils import timezone

from apps.messages.models import Report as Earlier
from apps.moderation.cases import Thing, open_case
from apps.moderation.models import WORDS_LIMIT, Case, Kind, Reason, Report

BATCH = 500


@task(queue_name="bulk")
def take_over() -> int:
    """Makes a case of each, closed if it was handled; returns how many. Repeatable."""
    number = 0
    while ids := list(Earlier.objects.order_by("pk").values_list("pk", flat=True)[:BATCH]):
        for pk in ids:
            number += _take_over(pk)
    return number


@transaction.atomic
def _take_over(pk: int) -> int:
    found = Earlier.objects.select_for_update().filter(pk=pk).first()
    if found is None:
        return 0
    case = open_case(Thing(Kind.MESSAGE, found.message_id, found.writer_id, found.text))
    Report.objects.get_or_create(
        case=case,
        reporter_id=found.reporter_id,
        defaults={
            "reason": Reason.OTHER,
            "words": found.note[:WORDS_LIMIT],
            "text": found.text,
            "reported_at": found.reported_at,
        },
    )
    closed = {"closed_at": timezone.now()} if found.is_handled else {}
    Case.objects.filter(pk=case.pk).update(opened_at=found.reported_at, **closed)
    found.delete()
    return 1

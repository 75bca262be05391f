"""The kwip of the day: operators choose it, the landing page shows it until they choose another.

The row has no foreign key, so that deleting a kwip costs no statement here. A kwip that is deleted or hidden
is not shown, since every read evaluates the visibility predicate.
"""

import structlog
from django.db import transaction

from apps.accounts.models import User
from apps.kwips import events
from apps.kwips.models import Kwip, KwipOfTheDay

log = structlog.get_logger("kwippy.kwips")


class NotForEveryone(Exception):
    """The kwip is a comment, for followers, or hidden."""


@transaction.atomic
def choose(*, kwip: Kwip, by: User) -> None:
    """Makes it the kwip of the day; repeatable. Raises `NotForEveryone`."""
    if kwip.thread_id is not None or kwip.followers_only or kwip.withheld:
        raise NotForEveryone
    if is_chosen(kwip.pk):
        return
    KwipOfTheDay.objects.update_or_create(pk=1, defaults={"kwip_id": kwip.pk})
    events.day_changed.emit(events.DayChanged(kwip.pk))
    log.info("kwip of the day chosen", kwip_id=kwip.pk, by=by.username)


@transaction.atomic
def dismiss(*, kwip: Kwip, by: User) -> None:
    """The landing page shows none, if it was this one; repeatable."""
    if KwipOfTheDay.objects.filter(kwip_id=kwip.pk).delete()[0]:
        events.day_changed.emit(events.DayChanged(None))
        log.info("kwip of the day dismissed", kwip_id=kwip.pk, by=by.username)


def may_choose(user: User) -> bool:
    """Whether the user is an operator of kwips. For others this costs no query."""
    return user.is_staff and user.has_perm("kwips.delete_kwip")


def is_chosen(kwip_id: int) -> bool:
    return KwipOfTheDay.objects.filter(kwip_id=kwip_id).exists()

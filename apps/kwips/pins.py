"""The kwip that a person pins to the top of their page: one of their own.

Who may not see it does not see it there either: every read evaluates the visibility predicate.
"""

from django.db import transaction

from apps.accounts.models import User
from apps.kwips import events
from apps.kwips.models import Kwip, Pin


class NotYours(Exception):
    """The kwip is a comment, or someone else's."""


@transaction.atomic
def pin(*, kwip: Kwip, user: User) -> None:
    """Pins it in place of another one; repeatable. Raises `NotYours`."""
    if kwip.author_id != user.pk or kwip.thread_id is not None:
        raise NotYours
    if not is_pinned(kwip.pk, user.pk):
        Pin.objects.update_or_create(person=user, defaults={"kwip_id": kwip.pk})
        events.pinned.emit(events.Pinned(user))


@transaction.atomic
def unpin(*, kwip: Kwip, user: User) -> None:
    """Takes it off, if it was this one; repeatable."""
    if Pin.objects.filter(person=user, kwip_id=kwip.pk).delete()[0]:
        events.pinned.emit(events.Pinned(user))


def is_pinned(kwip_id: int, person_id: int) -> bool:
    return Pin.objects.filter(person=person_id, kwip_id=kwip_id).exists()

"""User names: whether one is free, and how one is changed."""

import datetime

from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone

from apps.accounts import events
from apps.accounts.models import FormerName, SignUp, User

# How long a name that was changed redirects and is reserved.
RESERVED_FOR = datetime.timedelta(days=365)
# How long a sign-up may wait for its address to be confirmed, and holds its name.
SIGN_UP_WAITS = datetime.timedelta(days=3)
_BATCH = 1000


class NameTaken(Exception):
    """Another user has the name or had it within the last year, or a sign-up waits with it."""


def is_taken(
    name: str, *, user_id: int | None = None, email: str = "", sign_up_id: int | None = None
) -> bool:
    """Whether ``name`` is anyone's but the given user's, or the sign-up's with that address or id."""
    # In this order: a name goes from a sign-up to its user, from a user to the former names.
    waiting = SignUp.objects.filter(
        ~Q(email=email),
        ~Q(pk=sign_up_id),
        username=name,
        user=None,
        asked_at__gt=timezone.now() - SIGN_UP_WAITS,
    )
    former = FormerName.objects.filter(~Q(user=user_id), name=name, kept_until__gt=timezone.now())
    return waiting.exists() or User.objects.filter(~Q(pk=user_id), username=name).exists() or former.exists()


@transaction.atomic
def rename(*, user_id: int, username: str) -> None:
    """Changes a user's name; the former one redirects for a year. Raises `NameTaken`."""
    before = User.objects.select_for_update(no_key=True).get(pk=user_id)
    if before.username == username:
        return
    if is_taken(username, user_id=user_id):
        raise NameTaken
    try:
        with transaction.atomic():
            User.objects.filter(pk=user_id).update(username=username, version=F("version") + 1)
    except IntegrityError:
        raise NameTaken from None
    FormerName.objects.filter(name=username, user=user_id).delete()
    FormerName.objects.update_or_create(
        name=before.username, defaults={"user": before, "kept_until": timezone.now() + RESERVED_FOR}
    )
    events.renamed.emit(events.Renamed(user_id, before.username, username))


def release_names() -> int:
    """Takes away former names whose time is over, in batches; returns how many."""
    released = 0
    while names := list(
        FormerName.objects.filter(kept_until__lte=timezone.now()).values_list("name", flat=True)[:_BATCH]
    ):
        with transaction.atomic():
            FormerName.objects.filter(name__in=names, kept_until__lte=timezone.now()).delete()
            events.names_released.emit(events.NamesReleased(names))
        released += len(names)
    return released

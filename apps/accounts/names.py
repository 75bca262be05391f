"""User names: availability, renaming, reserving those of deleted people, releasing names."""

import datetime

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import F, Q
from django.utils import timezone
from django.utils.crypto import salted_hmac

from apps.accounts import events
from apps.accounts.models import Application, FormerName, ReservedName, SignUp, User
from apps.securitylog import Event, keyed, record

# How long a former name redirects and is reserved, and the name of a deleted person is reserved.
RESERVED_FOR = datetime.timedelta(days=365)
# How long an unconfirmed sign-up is valid and reserves its name.
SIGN_UP_LIFETIME = datetime.timedelta(days=3)
_BATCH = 1000


class NameTaken(Exception):
    """A user, an unconfirmed sign-up, a former name of another user or a deleted person has this name."""


def is_taken(
    name: str,
    *,
    user_id: int | None = None,
    email: str = "",
    sign_up_id: int | None = None,
    application_id: int | None = None,
) -> bool:
    """Whether ``name`` belongs to another user than ``user_id``, to another sign-up or application."""
    # Queried in the order in which a name moves: from sign-up to application to user to former name.
    waiting = SignUp.objects.filter(
        ~Q(email=email),
        ~Q(pk=sign_up_id),
        username=name,
        user=None,
        application=None,
        asked_at__gt=timezone.now() - SIGN_UP_LIFETIME,
    )
    former = FormerName.objects.filter(~Q(user=user_id), name=name, kept_until__gt=timezone.now())
    applied = Application.objects.filter(
        ~Q(email=email), ~Q(pk=application_id), username=name, refused_at=None
    )
    if waiting.exists() or applied.exists():
        return True
    reserved = ReservedName.objects.filter(pk__in=digests(name), kept_until__gt=timezone.now())
    taken = User.objects.filter(~Q(pk=user_id), username=name)
    return taken.exists() or former.exists() or reserved.exists()


def digests(name: str) -> list[str]:
    """Keyed hashes of a name: with the current key, then with each former key that is still valid."""
    return [
        salted_hmac("kwippy.accounts.reserved", name, secret=key, algorithm="sha256").hexdigest()
        for key in (settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS)
    ]


def reserve(name: str, *, until: datetime.datetime) -> None:
    """Reserves the name of a deleted person. It leads nowhere."""
    ReservedName.objects.update_or_create(pk=digests(name)[0], defaults={"kept_until": until})


@transaction.atomic
def rename(*, user_id: int, username: str) -> None:
    """Renames a user; the former name redirects for a year. Raises `NameTaken`."""
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
    record(Event.NAME_CHANGED, user_id=user_id, login=username, before=keyed(before.username))
    events.renamed.emit(events.Renamed(user_id, before.username, username))


def release_names() -> int:
    """Deletes expired former and reserved names, and returns their number."""
    released = ReservedName.objects.filter(kept_until__lte=timezone.now()).delete()[0]
    while names := list(
        FormerName.objects.filter(kept_until__lte=timezone.now()).values_list("name", flat=True)[:_BATCH]
    ):
        with transaction.atomic():
            FormerName.objects.filter(name__in=names, kept_until__lte=timezone.now()).delete()
            events.names_released.emit(events.NamesReleased(names))
        released += len(names)
    return released

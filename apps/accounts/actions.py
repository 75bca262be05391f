"""Writes to profiles, pictures and account states."""

from collections.abc import Iterable
from functools import partial

import structlog
from django.db import transaction
from django.db.models import F

from apps.accounts import avatars, events
from apps.accounts.counters import lock_people
from apps.accounts.models import User

log = structlog.get_logger("kwippy.accounts")


@transaction.atomic
def change_profile(*, user: User, display_name: str, bio: str) -> None:
    """Updates the profile. Cards show the display name, so a new one increments the user's version."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    wanted = {"display_name": display_name, "bio": bio}
    changed = frozenset(name for name, value in wanted.items() if getattr(before, name) != value)
    if changed:
        cards_change = int("display_name" in changed)
        User.objects.filter(pk=user.pk).update(**wanted, version=F("version") + cards_change)
        events.profile_changed.emit(events.ProfileChanged(before, changed))


def change_picture(*, user: User, picture: bytes | None) -> None:
    """Stores a picture that `avatars.decode` returned, or removes the current one. Raises OSError.

    The old file is deleted after the commit: a crash leaves an orphaned file, never a row without its file.
    """
    name = avatars.store(picture) if picture else ""
    try:
        with transaction.atomic():
            before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
            User.objects.filter(pk=user.pk).update(avatar=name, version=F("version") + 1)
            events.profile_changed.emit(events.ProfileChanged(before, frozenset({"avatar"})))
    except BaseException:
        avatars.remove(name)
        raise
    avatars.remove(before.avatar)


def switch_off(*, people: Iterable[User], by: User | None) -> list[User]:
    """Deactivates users: they cannot sign in, and every page omits them and their kwips.

    ``by`` is the operator, None on the command line. Returns the users whose state changed.
    """
    return _switch(people, is_active=False, by=by)


def switch_on(*, people: Iterable[User], by: User | None) -> list[User]:
    """Reactivates users. Returns the users whose state changed."""
    return _switch(people, is_active=True, by=by)


@transaction.atomic
def _switch(people: Iterable[User], *, is_active: bool, by: User | None) -> list[User]:
    locked = lock_people({person.pk for person in people})
    changed = [person for person in locked.values() if person.is_active != is_active]
    if not changed:
        return []
    User.objects.filter(pk__in=[person.pk for person in changed]).update(is_active=is_active)
    event = events.switched_on if is_active else events.switched_off
    event.emit(events.Switched(changed, by))
    logged = partial(log.info, "person switched on" if is_active else "person switched off")
    actor = by.username if by else "command line"
    for person in changed:
        transaction.on_commit(partial(logged, person=person.username, person_id=person.pk, by=actor))
    return changed

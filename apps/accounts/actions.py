"""Writes of people."""

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
    """Sets what a person says of themselves. A change of the name moves their version: cards show it."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    wanted = {"display_name": display_name, "bio": bio}
    changed = frozenset(name for name, value in wanted.items() if getattr(before, name) != value)
    if changed:
        cards_change = int("display_name" in changed)
        User.objects.filter(pk=user.pk).update(**wanted, version=F("version") + cards_change)
        events.profile_changed.emit(events.ProfileChanged(before, changed))


def change_picture(*, user: User, picture: bytes | None) -> None:
    """Sets a person's picture (as `avatars.decode` made it), or removes it. Raises OSError.

    The old file goes only when the new one is known to the database; a failure in between leaves a file
    that nobody knows, never a person whose picture is missing.
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
    """Hides these people and what they wrote, everywhere and at once; they cannot sign in.

    ``by`` is the operator, None on the command line. Returns those for whom this was a change.
    """
    return _switch(people, is_active=False, by=by)


def switch_on(*, people: Iterable[User], by: User | None) -> list[User]:
    """Brings these people back, and what they wrote. Returns those for whom this was a change."""
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

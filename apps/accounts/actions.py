"""Writes to profiles, pictures and account states."""

from collections.abc import Iterable, Sequence
from functools import partial

import structlog
from django.db import transaction
from django.db.models import F

from apps.accounts import avatars, events, links
from apps.accounts.counters import lock_people
from apps.accounts.keys import user_key
from apps.accounts.models import OffReason, User
from apps.invalidation import invalidate
from apps.pictures import actions as pictures
from apps.pictures.models import Picture
from apps.securitylog import Event, record

log = structlog.get_logger("kwippy.accounts")


@transaction.atomic
def change_profile(
    *,
    user: User,
    display_name: str,
    bio: str,
    pronouns: str = "",
    location: str = "",
    urls: Sequence[str] = (),
) -> None:
    """Updates the profile. Cards show the display name, so a new one increments the user's version."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    wanted = {"display_name": display_name, "bio": bio, "pronouns": pronouns, "location": location}
    changed = frozenset(name for name, value in wanted.items() if getattr(before, name) != value)
    if links.replace(before, urls):
        changed |= {"links"}
    if changed:
        cards_change = int("display_name" in changed)
        User.objects.filter(pk=user.pk).update(**wanted, version=F("version") + cards_change)
        events.profile_changed.emit(events.ProfileChanged(before, changed))


@transaction.atomic
def change_picture(*, user: User, picture: Picture | None) -> None:
    """Shows a picture that waits to be used, or none. The old one's file is deleted after the commit."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    name = avatars.take(user.pk, picture)
    if name != before.picture:
        User.objects.filter(pk=user.pk).update(picture=name, version=F("version") + 1)
        events.profile_changed.emit(events.ProfileChanged(before, frozenset({"picture"})))
        avatars.give_up(before.picture)


@transaction.atomic
def change_header_picture(*, user: User, picture: Picture | None) -> None:
    """Shows a picture that waits to be used above the person's page, or none. The old one is deleted."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    used = pictures.use(owner=user.pk, names=[picture.name]) if picture else []
    name = used[0].name if used else ""
    if name != before.header_picture:
        User.objects.filter(pk=user.pk).update(header_picture=name)
        events.profile_changed.emit(events.ProfileChanged(before, frozenset({"header_picture"})))
        pictures.release(pictures=Picture.objects.filter(name=before.header_picture, owner=user.pk))


@transaction.atomic
def choose_face(*, user: User, code: str) -> None:
    """Stores the chosen face, or "" for the one that follows from the name; an uploaded picture stays."""
    before = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if before.face != code:
        User.objects.filter(pk=user.pk).update(face=code, version=F("version") + 1)
        events.profile_changed.emit(events.ProfileChanged(before, frozenset({"face"})))


@transaction.atomic
def set_shortcuts(*, user: User, has_shortcuts: bool) -> None:
    """Whether single keys do something on this member's pages."""
    User.objects.filter(pk=user.pk).update(has_shortcuts=has_shortcuts)
    invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def set_formatting(*, user: User, formats_texts: bool) -> None:
    """Whether what this member writes from now on is formatted."""
    User.objects.filter(pk=user.pk).update(formats_texts=formats_texts)
    invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def set_alt_reminder(*, user: User, reminds_alt: bool) -> None:
    """Whether this member is asked about pictures without words."""
    User.objects.filter(pk=user.pk).update(reminds_alt=reminds_alt)
    invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def choose_language(*, user: User, language: str) -> None:
    """Stores the language of the person's own pages and mail, "" for the site's."""
    if User.objects.filter(pk=user.pk).exclude(language=language).update(language=language):
        invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def set_private(*, user: User, is_private: bool) -> bool:
    """Makes an account private, or public. Returns whether that changed it.

    Waiting requests to follow stay, and so does what is written: `kwips.narrowing` narrows it on demand.
    """
    before = lock_people({user.pk})[user.pk]
    if before.is_private == is_private:
        return False
    User.objects.filter(pk=user.pk).update(is_private=is_private)
    events.profile_changed.emit(events.ProfileChanged(before, frozenset({"is_private"})))
    return True


@transaction.atomic
def limit(*, person: User, is_limited: bool) -> None:
    """Leaves a person out of the timelines of everyone, tags, search and suggestions, or no longer."""
    before = lock_people({person.pk})[person.pk]
    if before.is_limited != is_limited:
        User.objects.filter(pk=person.pk).update(is_limited=is_limited)
        events.profile_changed.emit(events.ProfileChanged(before, frozenset({"is_limited"})))


def switch_off(
    *, people: Iterable[User], by: User | None, reason: OffReason = OffReason.SUSPENDED
) -> list[User]:
    """Adds a reason to deactivate users: they cannot sign in, and every page omits them and their kwips.

    ``by`` is the operator or the person, None on the command line. Returns the users who were active before.
    """
    return _switch(people, is_active=False, by=by, reason=reason)


def switch_on(
    *, people: Iterable[User], by: User | None, reason: OffReason = OffReason.SUSPENDED
) -> list[User]:
    """Removes a reason. Returns the users whom no other reason keeps inactive."""
    return _switch(people, is_active=True, by=by, reason=reason)


@transaction.atomic
def _switch(people: Iterable[User], *, is_active: bool, by: User | None, reason: OffReason) -> list[User]:
    locked = lock_people({person.pk for person in people})
    changed = []
    for person in locked.values():
        before = _off_reasons(person)
        after = before & ~reason if is_active else before | reason
        if after != before:
            User.objects.filter(pk=person.pk).update(off_reasons=after.value, is_active=not after)
            if bool(after) != bool(before):
                changed.append(person)
    if not changed:
        return []
    event = events.switched_on if is_active else events.switched_off
    event.emit(events.Switched(changed, by))
    logged = partial(log.info, "person switched on" if is_active else "person switched off")
    actor = by.username if by else "command line"
    for person in changed:
        if reason != OffReason.LEAVING:  # which has an event of its own
            _record_switch(person, by, is_active)
        transaction.on_commit(partial(logged, person=person.username, person_id=person.pk, by=actor))
    return changed


def _record_switch(person: User, by: User | None, is_active: bool) -> None:
    event = Event.SWITCHED_ON if is_active else Event.SWITCHED_OFF
    record(event, user_id=person.pk, by=by.pk if by else None)


def _off_reasons(person: User) -> OffReason:
    """`is_active` decides: the previous release writes it alone."""
    if person.is_active:
        return OffReason(0)
    return OffReason(person.off_reasons) or OffReason.SUSPENDED

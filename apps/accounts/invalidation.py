"""Derives cache keys and surrogate keys of users from events."""

from apps.accounts import events
from apps.accounts.keys import BIOS, NAMES, PEOPLE, user_key, user_pages
from apps.invalidation import invalidate

# What only the person's own pages show, beside lists with bios.
OWN_PAGE = frozenset({"bio", "pronouns", "location", "links", "is_private", "header_picture"})


@events.joined.within
def on_joined(event: events.Joined) -> None:
    invalidate(cache=[user_key(event.user.pk)], pages=[NAMES, user_pages(event.user.username)])


@events.profile_changed.within
def on_profile_changed(event: events.ProfileChanged) -> None:
    pages = [PEOPLE] if event.fields - OWN_PAGE else []
    if event.fields & OWN_PAGE:
        pages.append(user_pages(event.user.username))
    if "bio" in event.fields:
        pages.append(BIOS)
    invalidate(cache=[user_key(event.user.pk)], pages=pages)


@events.renamed.within
def on_renamed(event: events.Renamed) -> None:
    pages = [PEOPLE, BIOS, user_pages(event.before), user_pages(event.after)]
    invalidate(cache=[user_key(event.user_id)], pages=pages)


@events.names_released.within
def on_names_released(event: events.NamesReleased) -> None:
    invalidate(pages=map(user_pages, event.names))


@events.counters_moved.within
def on_counters_moved(event: events.CountersMoved) -> None:
    invalidate(
        cache=map(user_key, event.usernames),
        pages=map(user_pages, event.usernames.values()),
    )


@events.switched_off.within
@events.switched_on.within
def on_switched(event: events.Switched) -> None:
    # Every page that shows kwips shows people, so PEOPLE covers it.
    invalidate(cache=[user_key(person.pk) for person in event.people], pages=[PEOPLE, BIOS])


@events.deleted.within
def on_deleted(event: events.Deleted) -> None:
    pages = [PEOPLE, BIOS, user_pages(event.username)]
    invalidate(cache=[user_key(event.user_id)], pages=pages)

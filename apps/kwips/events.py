"""The events of kwips. A payload has the facts that its subscribers need."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from apps.accounts.models import User
from apps.events import Event
from apps.kwips.forms import Continued
from apps.kwips.models import Kwip

type Tags = Collection[str]  # names


@dataclass(frozen=True)
class Published:
    """``added`` is the value of the SQL that an app added to the statement (`counted.add`).

    ``draft`` is the draft that the form continued, None for none.
    """

    kwip: Kwip
    tags: Tags
    added: Any
    draft: Continued | None = None


@dataclass(frozen=True)
class Imported:
    """A batch of kwips from an archive of ``author``; ``tags`` by the ids of those that have any."""

    author: User
    kwips: Collection[Kwip]
    tags: Mapping[int, Tags]


@dataclass(frozen=True)
class Commented:
    """``comment`` was added below ``thread``, which is as it is now, without its text.

    ``tags`` are the comment's, ``threads_tags`` the thread's; ``added`` as in `Published`.
    """

    comment: Kwip
    thread: Kwip
    tags: Tags
    threads_tags: Tags
    added: Any


@dataclass(frozen=True)
class Edited:
    """``comments`` quote the kwip; ``tags`` are those of its new and of its former text."""

    kwip: Kwip
    comments: Collection[Kwip]
    tags: Tags


@dataclass(frozen=True)
class Deleted:
    """``threads`` lost comments and are not deleted; ``tags`` by the ids of both."""

    kwips: Collection[Kwip]
    threads: Collection[Kwip]
    tags: Mapping[int, Tags]


@dataclass(frozen=True)
class Favourited:
    """``kwip`` is as it is now, without its text; ``tags`` are its."""

    kwip: Kwip
    user: User
    tags: Tags


@dataclass(frozen=True)
class Shared:
    """``kwip`` is as it is now, without its text; ``tags`` are its. ``user`` shares it, or no longer."""

    kwip: Kwip
    user: User
    tags: Tags


@dataclass(frozen=True)
class Withholding:
    """A batch of kwips of ``author``, who was switched off or on; or one that `holding` changed."""

    author: User
    kwip_ids: Collection[int]


@dataclass(frozen=True)
class Narrowed:
    """A batch of kwips of ``author``, and of comments on them, that are for followers now.

    The rows have ids and threads only; ``tags`` are those of all of them.
    """

    author: User
    kwips: Collection[Kwip]
    tags: Tags


@dataclass(frozen=True)
class Held:
    """``kwip``, possibly a comment, waits for a moderator, or no longer."""

    kwip: Kwip


@dataclass(frozen=True)
class Visited:
    """``user`` opens the conversation of the kwip ``thread_id``; emitted before the page reads it."""

    user: User
    thread_id: int


@dataclass(frozen=True)
class DayChanged:
    """``kwip_id`` is the kwip of the day by now, None for none."""

    kwip_id: int | None


@dataclass(frozen=True)
class Pinned:
    """``person`` pinned another kwip, or none."""

    person: User


published = Event("published", Published)
imported = Event("imported", Imported)
commented = Event("commented", Commented)
edited = Event("edited", Edited)
deleted = Event("deleted", Deleted)
favourited = Event("favourited", Favourited)
unfavourited = Event("unfavourited", Favourited)
shared = Event("shared", Shared)
unshared = Event("unshared", Shared)
withheld = Event("withheld", Withholding)
restored = Event("restored", Withholding)
narrowed = Event("narrowed", Narrowed)
held = Event("held", Held)
# After `restored`: as if it were published now.
released = Event("released", Held)
visited = Event("visited", Visited)
day_changed = Event("day_changed", DayChanged)
pinned = Event("pinned", Pinned)

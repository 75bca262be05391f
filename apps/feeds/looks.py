"""Who wrote since a member last looked at their network, from the entries of its first page.

A cookie has the newest entry that this browser showed at the last visit (the floor), and at this one. A visit
ends after `VISIT` seconds without a view of the network; then its newest entry is the floor. So a member who
follows one of the faces and comes back still finds the others. Nothing is stored on the server.
"""

import re
import time
from typing import NamedTuple

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from apps.accounts.models import User
from apps.feeds.statements import Entry
from apps.keyset import Page
from apps.plaintext import safe

COOKIE = "looked"
DAYS = 90
VISIT = 1_800
# Within so many seconds the cookie is not written again, unless there is something newer.
SAME = 60
SHOWN = 10  # faces
_VALUE = re.compile(r"(\d{1,19})\.(\d{1,19})\.(\d{1,19})\.(\d{1,12})", re.ASCII)


class Writer(NamedTuple):
    username: str
    name: str
    avatar: str
    kwip_id: int  # the newest one


class Look(NamedTuple):
    writers: tuple[Writer, ...]
    cookie: str  # "" if there is nothing to write


def at(request: HttpRequest, viewer: User, page: Page[Entry]) -> Look:
    """What this first page of the viewer's network is, compared to the last one."""
    places = [entry.place for entry in page if entry.place is not None]
    if not places:
        return Look((), "")
    now, newest = int(time.time()), max(0, *places)
    floor, seen, looked_at = _read(request, viewer) or (newest, newest, now)
    if now - looked_at > VISIT:
        floor = seen
    is_same = newest <= seen and 0 < now - looked_at < SAME
    cookie = "" if is_same else f"{viewer.pk}.{floor}.{max(seen, newest)}.{now}"
    return Look(_writers(viewer, page, floor), cookie)


def remember(response: HttpResponse, look: Look) -> None:
    if look.cookie:
        response.set_cookie(
            COOKIE,
            look.cookie,
            max_age=DAYS * 86_400,
            secure=settings.SESSION_COOKIE_SECURE,
            httponly=True,
            samesite="Lax",
        )


def _read(request: HttpRequest, viewer: User) -> tuple[int, int, int] | None:
    """The floor, the newest entry, and when; None if the cookie is missing, broken, or another member's."""
    found = _VALUE.fullmatch(request.COOKIES.get(COOKIE, ""))
    if found is None:
        return None
    owner, floor, seen, looked_at = map(int, found.groups())
    return (floor, seen, looked_at) if owner == viewer.pk else None


def _writers(viewer: User, page: Page[Entry], floor: int) -> tuple[Writer, ...]:
    """The authors of the entries above the floor, newest first; not of shares, nor of what is muffled."""
    found: dict[str, Writer] = {}
    for entry in page:
        if entry.author and entry.place and entry.place > floor and not (entry.shared_by or entry.muffled):
            username, name, avatar = entry.author
            found.setdefault(username, Writer(username, safe(name), avatar, entry.id))
    found.pop(viewer.username, None)
    return tuple(found.values())[:SHOWN]

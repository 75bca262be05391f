"""The comments of a conversation: who speaks after whom, who is in it, and what is new to the viewer.

A comment's card is the same for all viewers and all pages (`cards`). What depends on the comment before it
is a class of the list item around the card, written when a page is put together.
"""

import datetime
from collections.abc import Collection
from functools import lru_cache
from typing import NamedTuple

from django.template.loader import render_to_string
from django.utils.translation import get_language

from apps.kwips import cards
from apps.kwips.cards import Kind, ShownCard, Versioned
from apps.kwips.visibility import Visible

# After so many seconds a person's next comment shows the name and the time again.
JOINED_FOR = 600
FACES = 7


class Seen(NamedTuple):
    """The newest comment that a person saw in a conversation, and when that was."""

    id: int
    at: datetime.datetime


class Talk(NamedTuple):
    """A page of comments: list items, the faces of the first `FACES` people, and the last comment on it."""

    items: list[bytes]
    faces: list[bytes]
    number: int
    newest: Visible | None


def shown(
    entries: Collection[Versioned],
    viewer_id: int | None,
    *,
    seen: Seen | None = None,
    is_first: bool = True,
    is_last: bool = False,
) -> Talk:
    """The comments for a viewer; with a rule before the first one of someone else that is not ``seen``.

    No rule at the top of a later page (not ``is_first``): the person reads on. On the last page (``is_last``)
    the newest comment is marked.
    """
    read = cards.read(entries, viewer_id, Kind.IN_CONVERSATION)
    items: list[bytes] = []
    faces: dict[int, bytes] = {}
    before: ShownCard | None = None
    for place, each in enumerate(read, start=1):
        facts = each.card.facts
        mark = b' id="newest"' if is_last and place == len(read) else b""
        if seen and facts.id > seen.id and facts.author_id != viewer_id:
            if items or is_first:
                items.append(_rule(seen.at, get_language()))
            else:
                mark = b' id="new"'
            before, seen = None, None
        items.append(b"<li%s%s>%s</li>" % (mark, _class_of(each, before), each.html))
        if not each.entry.muffled:
            faces.setdefault(facts.author_id, each.card.face)
        before = each
    return Talk(items, list(faces.values())[:FACES], len(read), read[-1].entry.id if read else None)


def _class_of(each: ShownCard, before: ShownCard | None) -> bytes:
    facts = each.card.facts
    is_host = facts.author_id == facts.thread_author_id
    if before is None or each.entry.muffled or before.entry.muffled:
        is_joined = False
    else:
        earlier = before.card.facts
        is_soon = facts.created_at - earlier.created_at < JOINED_FOR
        is_joined = facts.author_id == earlier.author_id and is_soon
    return _CLASSES[is_host, is_joined]


_CLASSES = {
    (False, False): b"",
    (False, True): b' class="joined"',
    (True, False): b' class="host"',
    (True, True): b' class="host joined"',
}


@lru_cache(maxsize=100)
def _rule(since: datetime.datetime, _language: str) -> bytes:
    return render_to_string("kwips/_new_since.html", {"since": since}).encode()

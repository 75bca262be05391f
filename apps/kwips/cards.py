"""Cards: kwips as lists show them, rendered once for everyone.

A card is kept under the versions of its kwip and its author, which move with everything that it shows. So
it is never taken back: a new version is a new key, and the old one falls out of the cache by and by. It
holds nothing of whoever looks: what differs between viewers (the heart, the links to edit and delete) is
its foot, of which it holds each of the few that there are, and the viewer's marks choose one.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Any, Protocol

from django.template.loader import get_template, render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps import lookaside
from apps.kwips import queries, text

KEPT_SECONDS = 86_400
# What a member may do with a kwip: edit it, delete it. The host is who wrote what a comment is about.
_RIGHTS = {"member": (False, False), "host": (False, True), "own": (True, True)}
_FOOT = mark_safe("<!-- foot -->")  # people's text is escaped, so none can contain it


class Versioned(Protocol):
    """What a timeline knows of a kwip."""

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def author_version(self) -> int: ...


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A kwip in a list, for one viewer: ``card`` is its HTML."""

    id: int
    card: SafeString


def shown(entries: Iterable[Versioned], viewer_id: int | None) -> list[ShownCard]:
    """The cards of the entries, in their order, marked for the viewer.

    One query for the cards that are not kept, and one for a member's favourites. What was deleted
    meanwhile is left out.
    """
    wanted = {_key(entry): entry.id for entry in entries}
    if not wanted:
        return []

    def render(keys: list[str]) -> Mapping[str, Any]:
        made = {card.id: _rendered(card) for card in queries.cards([wanted[key] for key in keys])}
        return {key: made[wanted[key]] for key in keys if wanted[key] in made}

    kept = lookaside.cache().get_many_or_compute(list(wanted), render, ttl=KEPT_SECONDS)
    favourites = queries.favourites_among(list(wanted.values()), viewer_id) if viewer_id else set()
    return [
        ShownCard(kwip_id, _for_viewer(found, viewer_id, kwip_id in favourites))
        for key, kwip_id in wanted.items()
        if (found := kept[key]) is not None
    ]


def _for_viewer(kept: Mapping[str, Any], viewer_id: int | None, favourited: bool) -> SafeString:
    if not viewer_id:
        foot = "visitor"
    else:
        rights = "own" if viewer_id == kept["author"] else "host" if viewer_id == kept["host"] else "member"
        foot = f"{rights} favourited" if favourited else rights
    return mark_safe(kept["above"] + kept["feet"][foot] + kept["below"])  # noqa: S308 - rendered by templates


def _rendered(card: queries.Card) -> dict[str, Any]:
    """What is kept of a card: its HTML above and below the foot, and each foot."""
    above, below = render_to_string("kwips/_kwip.html", {"kwip": card, "foot": _FOOT}).split(_FOOT)
    feet = {"visitor": _foot(card)}
    for rights, (own, deletable) in _RIGHTS.items():
        member = replace(card, for_member=True, own=own, deletable=deletable)
        feet[rights] = _foot(member)
        feet[f"{rights} favourited"] = _foot(replace(member, favourited=True))
    return {
        "above": above,
        "below": below,
        "feet": feet,
        "author": card.author_id,
        "host": card.thread_author_id,
    }


def _foot(card: queries.Card) -> str:
    return render_to_string("kwips/_kwip_foot.html", {"kwip": card})


def _key(entry: Versioned) -> str:
    return f"card:{entry.id}:{entry.version}:{entry.author_version}:{get_language()}:{_look()}"


@cache
def _look() -> str:
    """Changes with the code that cards are made by: a new release shows none of the last one's."""
    names = ("kwips/_kwip.html", "kwips/_kwip_foot.html", "accounts/_avatar.html")
    templates = [Path(str(get_template(name).template.origin)) for name in names]  # type: ignore[attr-defined]
    made_by = [*templates, Path(text.__file__), Path(__file__)]
    return blake2b(b"\0".join(path.read_bytes() for path in made_by), digest_size=6).hexdigest()

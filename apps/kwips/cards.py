"""Cards: kwips as lists show them, rendered once for everyone.

A card is kept under the versions of its kwip and its author, which move with everything that it shows, and
under whom it mentions without a link (who is switched off). So it is never taken back: a new version is a new
key, and the old one falls out of the cache by and by. It holds nothing of whoever looks: where viewers differ
(the heart, the links to edit and delete) it is cut, it holds each of the few things that can stand there, and
the viewer's marks choose.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from django.template.loader import get_template, render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps import lookaside
from apps.accounts.templatetags import people
from apps.kwips import links, queries, text
from apps.plaintext import cleaning, cutting, languages

KEPT_SECONDS = 86_400
# PostgreSQL keeps no text with this in it.
_CUT = mark_safe("\0")


class Versioned(Protocol):
    """What a timeline knows of a kwip."""

    @property
    def id(self) -> int: ...
    @property
    def version(self) -> int: ...
    @property
    def author_version(self) -> int: ...
    @property
    def unlinked(self) -> Sequence[int]: ...


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
    language, look = get_language(), _look()
    wanted = {_key(entry) + f":{language}:{look}": entry.id for entry in entries}
    if not wanted:
        return []

    def render(keys: list[str]) -> Mapping[str, bytes]:
        made = {card.id: _rendered(card) for card in queries.cards([wanted[key] for key in keys])}
        return {key: made[wanted[key]] for key in keys if wanted[key] in made}

    kept = lookaside.cache().get_many_or_compute(list(wanted), render, ttl=KEPT_SECONDS)
    favourites = queries.favourites_among(list(wanted.values()), viewer_id) if viewer_id else set()
    viewer = str(viewer_id or "")
    return [
        ShownCard(kwip_id, _for_viewer(found, viewer, kwip_id in favourites))
        for key, kwip_id in wanted.items()
        if (found := kept[key]) is not None
    ]


def _key(entry: Versioned) -> str:
    """Everything that decides on what the card shows. Of many people switched off, a digest."""
    unlinked = ",".join(map(str, sorted(entry.unlinked)))
    if len(unlinked) > 40:
        unlinked = blake2b(unlinked.encode(), digest_size=12).hexdigest()
    return f"card:{entry.id}:{entry.version}:{entry.author_version}:{unlinked}"


def _for_viewer(kept: bytes, viewer: str, favourited: bool) -> SafeString:
    author, host, above, strangers, empty, full, between, own, hosts, below = kept.decode().split(_CUT)
    heart = (full if favourited else empty) if viewer else strangers
    links = "" if not viewer else own if viewer == author else hosts if viewer == host else ""
    return mark_safe(above + heart + between + links + below)  # noqa: S308 - rendered by templates


def _rendered(card: queries.Card) -> bytes:
    """What is kept of a card: whose it is, its HTML around the cuts, and what can stand at them."""
    above, between, below = render_to_string("kwips/_kwip.html", {"kwip": card, "cut": _CUT}).split(_CUT)
    member = replace(card, for_member=True)
    hearts = [card, member, replace(member, favourited=True)]
    links = [replace(member, own=True, deletable=True), replace(member, deletable=True)]
    return _CUT.join([
        str(card.author_id),
        # Who wrote what a comment is about.
        str(card.thread_author_id or ""),
        above,
        *(render_to_string("kwips/_heart.html", {"kwip": kwip}) for kwip in hearts),
        between,
        *(render_to_string("kwips/_own.html", {"kwip": kwip}) for kwip in links),
        below,
    ]).encode()  # fmt: skip


@cache
def _look() -> str:
    """Changes with the code that cards are made by: a new release shows none of the last one's."""
    names = ("_kwip", "_kwip_foot", "_heart", "_own")
    templates = [Path(str(get_template(f"kwips/{name}.html").template.origin)) for name in names]  # type: ignore[attr-defined]
    modules = (text, links, cleaning, cutting, languages, people)
    tags = Path(__file__).parent / "templatetags" / "kwips.py"
    made_by = [*templates, *(Path(str(module.__file__)) for module in modules), tags, Path(__file__)]
    return blake2b(b"\0".join(path.read_bytes() for path in made_by), digest_size=6).hexdigest()

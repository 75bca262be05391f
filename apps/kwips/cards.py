"""Cards: kwips as lists, conversations and pages of their own show them, rendered once for everyone.

A card is kept under the versions of its kwip, of its author, and of the author of the kwip that a comment is
about: they move with everything that it shows. The key also has whom it mentions without a link (who is
switched off). So a card is never taken back: a new version is a new key, and memcached evicts the old one in
time. It holds nothing of its viewer: where viewers differ (the heart, the links to edit and delete) it is
cut, it holds each of the few things that can stand there, and the viewer's marks choose.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from hashlib import blake2b
from pathlib import Path
from typing import Protocol

from django.template.loader import get_template, render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps import lookaside
from apps.accounts.templatetags import people
from apps.kwips import folding, links, queries, text
from apps.kwips.models import TEXT_LIMIT
from apps.kwips.visibility import Visible
from apps.plaintext import cleaning, languages, truncation
from apps.plaintext.templatetags import formats

KEPT_SECONDS = 86_400
# PostgreSQL keeps no text with this in it.
_CUT = mark_safe("\0")


class Versioned(Protocol):
    """What a timeline knows of a kwip."""

    @property
    def id(self) -> Visible: ...
    @property
    def version(self) -> int: ...
    @property
    def authors_version(self) -> int: ...
    @property
    def unlinked(self) -> Sequence[int]: ...


class Kind(Enum):
    """Where a card stands, and so how much of the text is on it.

    A value is the beginning of the cache's key, how many characters of a text are needed, and the flags that
    `_kwip.html` knows the kind by.
    """

    LISTED = "card", folding.ENOUGH_TO_FOLD, ()
    IN_CONVERSATION = "comment", folding.ENOUGH_TO_FOLD_LONG, ("in_thread",)
    # 100,000 characters are 600 kB of HTML at most and far less compressed: an item that memcached takes.
    WHOLE = "whole", TEXT_LIMIT, ("whole", "in_entry")

    @property
    def key(self) -> str:
        return self.value[0]

    @property
    def characters(self) -> int:
        return self.value[1]

    @property
    def flags(self) -> dict[str, bool]:
        return dict.fromkeys(self.value[2], True)


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A kwip on a page, for one viewer: ``card`` is its HTML."""

    id: int
    card: SafeString


def shown(entries: Iterable[Versioned], viewer_id: int | None, kind: Kind = Kind.LISTED) -> list[ShownCard]:
    """The cards of the entries, in their order, marked for the viewer.

    One query for the cards that are not kept, and one for a member's favourites. What was deleted
    meanwhile is left out.
    """
    language, look = get_language(), _look()
    wanted = {f"{kind.key}:{_key(entry)}:{language}:{look}": entry.id for entry in entries}
    if not wanted:
        return []

    def render(keys: list[str]) -> Mapping[str, bytes]:
        found = queries.cards([wanted[key] for key in keys], characters=kind.characters)
        made = {card.id: _rendered(card, kind) for card in found}
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
    return f"{entry.id}:{entry.version}:{entry.authors_version}:{unlinked}"


def html_of_revisions(texts: Mapping[str, str], people: frozenset[str]) -> dict[str, SafeString]:
    """The HTML of earlier versions or of their beginnings, by names that tell each from every other.

    They never change, so they are rendered once; ``people`` are those whose mentions are links.
    """
    linked = blake2b(",".join(sorted(people)).encode(), digest_size=12).hexdigest()
    names = {f"revision:{name}:{linked}:{_look()}": name for name in texts}

    def render(keys: list[str]) -> Mapping[str, bytes]:
        return {key: text.to_html(texts[names[key]], people).encode() for key in keys}

    kept = lookaside.cache().get_many_or_compute(list(names), render, ttl=KEPT_SECONDS)
    return {
        names[key]: mark_safe(html.decode())  # noqa: S308 - every token was escaped
        for key, html in kept.items()
        if html is not None
    }


def _for_viewer(kept: bytes, viewer: str, favourited: bool) -> SafeString:
    author, host, above, strangers, empty, full, between, own, hosts, below = kept.decode().split(_CUT)
    heart = (full if favourited else empty) if viewer else strangers
    links = "" if not viewer else own if viewer == author else hosts if viewer == host else ""
    return mark_safe(above + heart + between + links + below)  # noqa: S308 - rendered by templates


def _rendered(card: queries.Card, kind: Kind = Kind.LISTED) -> bytes:
    """What is kept of a card: whose it is, its HTML around the cuts, and what can stand at them."""
    context = {"kwip": card, "cut": _CUT, **kind.flags}
    above, between, below = render_to_string("kwips/_kwip.html", context).split(_CUT)
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
    return blake2b(b"\0".join(path.read_bytes() for path in _made_by()), digest_size=6).hexdigest()


def _made_by() -> list[Path]:
    """The files that decide on a card's HTML."""
    names = ("_kwip", "_kwip_foot", "_heart", "_own")
    templates = [Path(str(get_template(f"kwips/{name}.html").template.origin)) for name in names]  # type: ignore[attr-defined]
    modules = (queries, text, links, folding, cleaning, truncation, formats, languages, people)
    beside = [Path(__file__).parent / name for name in ("sql/cards.sql", "templatetags/kwips.py")]
    return [*templates, *(Path(str(module.__file__)) for module in modules), *beside, Path(__file__)]

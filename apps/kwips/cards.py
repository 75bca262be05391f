"""Cards: the HTML of kwips in timelines, in conversations and on pages of their own, cached for all viewers.

`queries.cards` reads the facts of kwips, the template of the card's kind renders them, and `controls` lists
the parts that depend on the viewer. `shown` joins the three; `talk` joins the cards of a conversation.

A card is never invalidated. Its key has the version of its kwip, the versions of its author and of the author
of the kwip that a comment is about, and the ids of switched off people whom it mentions; a write moves these,
and memcached evicts what has the old key. The key also has the language and `settings.RELEASE`. So no release
shows the cards of another one, whatever part of the code changed; the cost is that all cards are cold after a
release. A page of 20 then renders 20 cards once, and `manage.py warmpages` renders those of the most
requested pages beforehand.

Each process also keeps the cards that it read last, taken apart, in a near cache (`apps/nearcache`) of
CARD_NEAR_CACHE_BYTES. The key is the same, so they are never stale either. Cards are bytes on the whole way
from the cache to the response (`apps/fragments/rendering.py`).
"""

import json
import sys
from collections.abc import Callable, Collection, Mapping, Sequence
from enum import Enum
from functools import lru_cache
from hashlib import blake2b
from typing import NamedTuple, Protocol

from django.conf import settings
from django.template.loader import render_to_string
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import get_language

from apps import lookaside
from apps.kwips import controls, folding, formatting, queries, text
from apps.kwips.controls import Control, Facts, Marks, facts_of
from apps.kwips.models import TEXT_LIMIT
from apps.kwips.visibility import Visible
from apps.nearcache import NearCache
from apps.plaintext import safe

CARD_TTL = 86_400
# Stands around a control's name until the HTML is encoded. PostgreSQL stores no text with it.
_CUT = "\0"
# The part of a card that is its author's face.
_FACE = "face"
# What a card takes in the near cache besides its HTML, about.
_OVERHEAD = 1_200
# `json.loads` takes twice as long: it looks for white space around the text.
_from_json = json.JSONDecoder().raw_decode


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
    @property
    def marks(self) -> Collection[str] | None: ...
    @property
    def shared_by(self) -> Sequence[str] | None: ...
    @property
    def muffled(self) -> Sequence[str] | None: ...


class Kind(Enum):
    """Where a card stands, and so how much of the text is on it.

    A value is the beginning of the cache's key, the number of characters that is needed of a text, the name
    of the template, and the flags by which the template knows the kind.
    """

    LISTED = "card", folding.ENOUGH_TO_FOLD, "_kwip", ()
    IN_CONVERSATION = "comment", folding.ENOUGH_TO_FOLD_LONG, "_comment", ()
    # 100,000 characters are 600 kB of HTML at most and far less compressed: an item that memcached takes.
    WHOLE = "whole", TEXT_LIMIT, "_kwip", ("whole", "in_entry")

    def __init__(self, key: str, characters: int, template: str, flags: tuple[str, ...]) -> None:
        self.key, self.characters, self.flags = key, characters, dict.fromkeys(flags, True)
        self.template = f"kwips/{template}.html"


class StoredCard(NamedTuple):
    """A card for all viewers: each control in each of its states. `encode` has the names of the parts."""

    facts: Facts
    names: tuple[str, ...]
    parts: tuple[bytes, ...]

    @property
    def face(self) -> bytes:
        """The author's face, if the template marks it."""
        return self.parts[self.names.index(_FACE)] if _FACE in self.names else b""


class ShownCard(NamedTuple):
    """A card with the marks of a viewer."""

    entry: Versioned
    card: StoredCard
    html: bytes


# All that decides on a card, as `_key` has it: a tuple is made faster than a text.
type NearKey = tuple[str | int, ...]
near = NearCache[NearKey, StoredCard](lambda: settings.CARD_NEAR_CACHE_BYTES)


def shown(entries: Collection[Versioned], viewer_id: int | None, kind: Kind = Kind.LISTED) -> list[bytes]:
    """The HTML of the entries' cards, in their order, with the viewer's marks.

    Kwips that were deleted meanwhile are left out.
    """
    return [shown.html for shown in read(entries, viewer_id, kind)]


def read(entries: Collection[Versioned], viewer_id: int | None, kind: Kind) -> list[ShownCard]:
    """The cards behind `shown`.

    One query for all cards that are not cached, and one for a member's favourites unless the entries have
    them.
    """
    suffix = f"{get_language()}:{settings.RELEASE}"
    wanted: dict[NearKey, Versioned] = {
        (suffix, kind.key, entry.id, entry.version, entry.authors_version, *entry.unlinked): entry
        for entry in entries
    }
    if not wanted:
        return []
    stored = _stored(wanted, kind, suffix)
    marks = controls.marks_of(viewer_id, entries)
    return [
        ShownCard(entry, card, _folded(entry, _sharer(entry) + html_for(card, marks)))
        for key, entry in wanted.items()
        if (card := stored.get(key)) is not None
    ]


def _sharer(entry: Versioned) -> bytes:
    """The line above a kwip that someone shared."""
    return _sharer_html(*entry.shared_by[:2], get_language()) if entry.shared_by else b""


def _folded(entry: Versioned, html: bytes) -> bytes:
    """The card; if the viewer muffles it, folded to a line that says why."""
    why = entry.muffled
    if not why and entry.shared_by and entry.shared_by[2]:
        why = ("person", entry.shared_by[1])
    return html.join(_fold_html(*why, get_language())) if why else html


@lru_cache(maxsize=1_000)
def _fold_html(kind: str, name: str, _language: str) -> list[bytes]:
    """What is before and after a folded card."""
    context = {"kind": kind, "name": safe(name), "card": _CUT}
    return render_to_string("kwips/_muffled.html", context).encode().split(_CUT.encode())


@lru_cache(maxsize=1_000)
def _sharer_html(username: str, name: str, _language: str) -> bytes:
    return render_to_string("kwips/_sharer.html", {"username": username, "name": safe(name)}).encode()


def _stored(wanted: Mapping[NearKey, Versioned], kind: Kind, suffix: str) -> dict[NearKey, StoredCard]:
    """The cards of these keys, from the near cache, from memcached, or rendered."""
    # A transaction may see a version that is never committed, and that another one uses again.
    bypassing = lookaside.bypassing()
    stored = {} if bypassing else near.get_many(wanted)
    if len(stored) == len(wanted):
        return stored
    missing = {
        f"{kind.key}:{_key(entry)}:{suffix}": (near_key, entry.id)
        for near_key, entry in wanted.items()
        if near_key not in stored
    }

    def render(keys: list[str]) -> Mapping[str, bytes]:
        ids = {key: missing[key][1] for key in keys}
        found = queries.cards(list(ids.values()), characters=kind.characters)
        cards = {card.id: encode(card, kind) for card in found}
        return {key: cards[kwip_id] for key, kwip_id in ids.items() if kwip_id in cards}

    encoded = lookaside.cache().get_many_or_compute(list(missing), render, ttl=CARD_TTL)
    for key, whole in encoded.items():
        if whole is not None:
            near_key = missing[key][0]
            stored[near_key] = decode(whole)
            if not bypassing:
                near.put(near_key, stored[near_key], size=len(whole) + _OVERHEAD)
    return stored


def keys(entries: Sequence[Versioned], kind: Kind = Kind.LISTED) -> list[str]:
    """The cache keys of the entries' cards as they are now, in the language of this thread."""
    return [f"{kind.key}:{_key(entry)}:{get_language()}:{settings.RELEASE}" for entry in entries]


def fresh(kwip_id: Visible, kind: Kind = Kind.LISTED) -> bytes | None:
    """The card as a new entry would hold it; None for a kwip that was deleted."""
    found = queries.cards([kwip_id], characters=kind.characters)
    return encode(found[0], kind) if found else None


def _key(entry: Versioned) -> str:
    """Everything that decides on what the card shows. Of many people switched off, a digest."""
    unlinked = ",".join(map(str, sorted(entry.unlinked))) if entry.unlinked else ""
    if len(unlinked) > 40:
        unlinked = blake2b(unlinked.encode(), digest_size=12).hexdigest()
    return f"{entry.id}:{entry.version}:{entry.authors_version}:{unlinked}"


def rendered(card: queries.Card, kind: Kind, control_html: Callable[[Control], str]) -> SafeString:
    """The HTML of a card, with ``control_html`` of each control in the control's place."""
    places = dict.fromkeys((control.place for control in controls.CONTROLS), "")
    for control in controls.CONTROLS:
        places[control.place] += control_html(control)
    places |= {"face_begins": f"{_CUT}{_FACE}{_CUT}", "face_ends": f"{_CUT}body{_CUT}"}
    safe = {place: mark_safe(html) for place, html in places.items()}  # noqa: S308 - from templates
    return render_to_string(kind.template, {"kwip": card, **safe, **kind.flags})


def encode(card: queries.Card, kind: Kind = Kind.LISTED) -> bytes:
    """A card as memcached stores it: a header, an empty line, and the parts in the order of the page.

    The header's first line has the facts, as JSON. Each further line has the name of a part ("body", "face",
    or a control with a state, as "heart/on") and its length in bytes. One JSON document takes longer to read.
    """
    parts: list[tuple[str, bytes]] = []
    by_name = {control.name: control for control in controls.CONTROLS}
    html = rendered(card, kind, lambda control: f"{_CUT}{control.name}{_CUT}")
    name = "body"
    for number, piece in enumerate(html.split(_CUT)):
        if number % 2 == 0:
            parts += [(name, piece.encode())] if piece else []
            name = "body"
            continue
        if (control := by_name.get(piece)) is None:
            name = piece
            continue
        parts += [(f"{piece}/{state}", control.render(card, state)) for state in control.states]
    facts = json.dumps(facts_of(card)._asdict())
    lines = [facts, *(f"{name} {len(part)}" for name, part in parts)]
    return b"\n\n".join(["\n".join(lines).encode(), b"".join([part for _, part in parts])])


def decode(stored: bytes) -> StoredCard:
    """The facts and parts of a card as `encode` returned it."""
    end = stored.index(b"\n\n")
    facts, *lines = stored[:end].decode().split("\n")
    names, parts, at = [], [], end + 2
    for line in lines:
        name, _, length = line.partition(" ")
        following = at + int(length)
        names.append(sys.intern(name))
        parts.append(stored[at:following])
        at = following
    return StoredCard(Facts(**_from_json(facts)[0]), tuple(names), tuple(parts))


def html_for(card: StoredCard, marks: Marks) -> bytes:
    """The card for a viewer with these marks."""
    states = tuple([control.state_of(card.facts, marks) for control in controls.CONTROLS])
    return b"".join([card.parts[place] for place in _places(card.names, states)])


@lru_cache(maxsize=100)
def _places(names: tuple[str, ...], states: tuple[str, ...]) -> list[int]:
    """Where among the parts of these names those are that a viewer sees."""
    shown = {f"{control.name}/{state}" for control, state in zip(controls.CONTROLS, states, strict=True)}
    shown |= {"body", _FACE}
    return [place for place, name in enumerate(names) if name in shown]


def html_of_revisions(texts: Mapping[str, tuple[str, bool]], people: frozenset[str]) -> dict[str, SafeString]:
    """The HTML of earlier versions or of their beginnings, by names that are unique among all of these.

    Each text is with whether it is formatted. They never change, so they are rendered once; ``people`` are
    those whose mentions are links.
    """
    linked = blake2b(",".join(sorted(people)).encode(), digest_size=12).hexdigest()
    names = {f"revision:{name}:{linked}:{settings.RELEASE}": name for name in texts}

    def html(words: str, is_formatted: bool) -> SafeString:
        return formatting.to_html(words, people) if is_formatted else text.to_html(words, people)

    def render(keys: list[str]) -> Mapping[str, bytes]:
        return {key: html(*texts[names[key]]).encode() for key in keys}

    stored = lookaside.cache().get_many_or_compute(list(names), render, ttl=CARD_TTL)
    return {
        names[key]: mark_safe(html.decode())  # noqa: S308 - every token was escaped
        for key, html in stored.items()
        if html is not None
    }

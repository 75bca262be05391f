"""Cards without a cache: each page renders the cards that it shows, for its viewer alone.

The site with its cache switched off renders each card with each control in each of its states, to cache it
for all viewers. A site that caches no cards would not do so.
"""

from collections.abc import Collection

from apps.kwips import cards, controls, queries
from apps.kwips.cards import Kind, ShownCard, StoredCard, Versioned
from apps.kwips.controls import Control, Marks

_CUT, _FACE = cards._CUT, cards._FACE


def read(entries: Collection[Versioned], viewer_id: int | None, kind: Kind) -> list[ShownCard]:
    """In place of `apps.kwips.cards.read`."""
    known = {entry.id: entry.card for entry in entries if hasattr(entry, "card")}
    ids = [entry.id for entry in entries if entry.id not in known]
    known |= {card.id: card for card in queries.cards(ids, characters=kind.characters)}
    marks = controls.marks_of(viewer_id, entries)
    return [_shown(entry, known[entry.id], kind, marks) for entry in entries if entry.id in known]


def _shown(entry: Versioned, card: queries.Card, kind: Kind, marks: Marks) -> ShownCard:
    facts = controls.facts_of(card)

    def control_html(control: Control) -> str:
        state = control.state_of(facts, marks)
        return control.render(card, state).decode() if state else ""

    pieces = cards.rendered(card, kind, control_html).split(_CUT)
    # The names of the parts stand between them; a comment's face is one.
    html = "".join(pieces[::2]).encode()
    faces = [pieces[place + 1].encode() for place, name in enumerate(pieces) if name == _FACE]
    stored = StoredCard(facts, (_FACE,) if faces else (), tuple(faces))
    return ShownCard(entry, stored, cards._folded(entry, cards._sharer(entry) + html))

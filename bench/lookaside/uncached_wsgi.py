"""The site without the cache: each page renders each card for its viewer.

This is not the site with its cache switched off, which renders each card for all viewers.
"""

from collections.abc import Iterable

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from apps.kwips import cards, controls, queries  # noqa: E402 - Django must be set up


def shown(
    entries: Iterable[cards.Versioned], viewer_id: int | None, kind: cards.Kind = cards.Kind.LISTED
) -> list[bytes]:
    found = queries.cards([entry.id for entry in entries], characters=kind.characters)
    marks = controls.marks_of(viewer_id, found)
    return [_html(card, kind, marks) for card in found]


def _html(card: queries.Card, kind: cards.Kind, marks: controls.Marks) -> bytes:
    def control_html(control: controls.Control) -> str:
        state = control.state_of(controls.facts_of(card), marks)
        return control.render(card, state).decode() if state else ""

    return cards.rendered(card, kind, control_html).encode()


cards.shown = shown

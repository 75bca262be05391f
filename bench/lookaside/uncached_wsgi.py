"""The site without the cache: each page renders each card for its viewer.

This is not the site with its cache switched off, which renders each card in the form that it would store.
"""

from collections.abc import Iterable

from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()

from django.template.loader import render_to_string  # noqa: E402 - Django must be set up

from apps.kwips import cards, queries  # noqa: E402


def shown(
    entries: Iterable[cards.Versioned], viewer_id: int | None, kind: cards.Kind = cards.Kind.LISTED
) -> list[cards.ShownCard]:
    found = queries.cards([entry.id for entry in entries], characters=kind.characters)
    return [
        cards.ShownCard(card.id, render_to_string("kwips/_kwip.html", {"kwip": card, **kind.flags}))
        for card in queries.marked(found, viewer_id)
    ]


cards.shown = shown

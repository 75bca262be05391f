"""For the watch on the caches: cards of the newest kwips."""

from collections.abc import Sequence
from functools import partial

from apps.cachewatch import Item, Kind
from apps.cachewatch.kinds import SAMPLE
from apps.feeds import queries
from apps.kwips import cards


def listed_cards() -> Kind:
    return Kind("cards", lambda: [entry.id for entry in _entries()][:SAMPLE], _items)


def _entries() -> Sequence[cards.Versioned]:
    return list(queries.everyone(viewer_id=None).page({}))


def _items(ids: Sequence[int]) -> list[Item]:
    """Their keys hold the versions of now."""
    wanted = set(ids)
    entries = [entry for entry in _entries() if entry.id in wanted]
    return [
        Item(entry.id, key, partial(cards.fresh, entry.id))
        for key, entry in zip(cards.keys(entries), entries, strict=True)
    ]

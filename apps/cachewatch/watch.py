"""Looks at samples of the cached entries, and counts those that are stale."""

import logging
import time
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db.models import F
from django.utils import timezone

from apps import lookaside
from apps.cachewatch.kinds import SAMPLE, Item, Kind, kinds
from apps.cachewatch.models import Watched
from apps.lookaside import values
from apps.lookaside.backends import Stored

logger = logging.getLogger(__name__)

# Between the looks: longer than a process takes from its COMMIT to its invalidation.
PAUSE = 1.0
# Of one look at one kind.
SECONDS = 5.0


class Look(NamedTuple):
    """How many entries were found, and the items of those that contradict PostgreSQL, with their entries."""

    found: int
    suspected: dict[str, tuple[Item, Stored]]


def watch() -> dict[str, int]:
    """Looks at a sample of each kind; returns how many of each are stale."""
    return {kind.name: _watch(kind) for kind in kinds}


def _watch(kind: Kind) -> int:
    first = look(kind, kind.sample()[:SAMPLE])
    stale: list[str] = []
    if first.suspected:
        time.sleep(PAUSE)
        again = look(kind, [item.id for item, _ in first.suspected.values()]).suspected
        # The same entry under the same key: one that was invalidated since has other bytes.
        stale = [
            key for key, (_, entry) in first.suspected.items() if key in again and again[key][1] == entry
        ]
    for key in stale:
        # By its hash: the key of a session is a secret.
        logger.error("a cached entry is stale: %s %s", kind.name, first.suspected[key][1].name.decode())
    _count(kind.name, found=first.found, stale=len(stale), now=timezone.now())
    return len(stale)


def look(kind: Kind, ids: Sequence[Any]) -> Look:
    """Compares the entries of these ids with PostgreSQL, for `SECONDS` at most."""
    until = time.monotonic() + SECONDS
    found = 0
    suspected: dict[str, tuple[Item, Stored]] = {}
    for item in kind.items(ids):
        if time.monotonic() > until:
            break
        before = _fresh(item)
        entry = lookaside.cache().entry(item.key)
        if entry is None:
            continue
        value = values.decode(entry.name, entry.entry, schema=item.schema)
        if value is values.MISSING:
            continue
        found += 1
        cached = item.reduced(value)
        if cached != before and _fresh(item) == before:
            suspected[item.key] = item, entry
    return Look(found, suspected)


def _fresh(item: Item) -> Any:
    """What the entry should hold, in the types that a cached one has."""
    with lookaside.bypassed():
        return item.reduced(values.normalized(item.fresh()))


def _count(name: str, *, found: int, stale: int, now: datetime) -> None:
    last = {"last_stale_at": now} if stale else {}
    Watched.objects.get_or_create(kind=name)
    Watched.objects.filter(kind=name).update(
        looked_at=F("looked_at") + found, stale=F("stale") + stale, last_look_at=now, **last
    )

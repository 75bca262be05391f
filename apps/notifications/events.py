"""The event of notices."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from apps.events import Event


class Told(NamedTuple):
    """A notice that was just written, in this transaction."""

    id: int
    recipient_id: int
    kind: str


@dataclass(frozen=True)
class Noticed:
    """Notices of one fact, or of one comment. Not emitted if there are none."""

    told: Collection[Told]


noticed = Event("noticed", Noticed)

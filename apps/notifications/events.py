"""The event of notices."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import NamedTuple

from apps.events import Event


class NewNotice(NamedTuple):
    """A notice that was just written, in this transaction."""

    id: int
    recipient_id: int
    kind: str
    channel: str


@dataclass(frozen=True)
class Notified:
    """Notices of one fact, or of one comment. Not emitted if there are none."""

    notices: Collection[NewNotice]


notified = Event("notified", Notified)


def emit_new(rows: Collection[str]) -> None:
    """Emits `notified` for new notices, as `sql/new.sql` returns them, if there are any."""
    notices = [
        NewNotice(int(pk), int(recipient), kind, channel)
        for pk, recipient, kind, channel in map(str.split, rows)
    ]
    if notices:
        notified.emit(Notified(notices))

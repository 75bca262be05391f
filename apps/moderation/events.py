"""The event of moderation."""

from collections.abc import Collection
from dataclasses import dataclass

from apps.events import Event


@dataclass(frozen=True)
class Answered:
    """A case was closed: what came of its reports is known."""

    case_id: int
    reporter_ids: Collection[int]


answered = Event("report_answered", Answered)

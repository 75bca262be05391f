"""Whether and how a person gets notices by mail."""

import json
from collections.abc import Mapping
from typing import NamedTuple

from django.db import connection

from apps.notifications.models import Period
from apps.notifications.registry import KINDS, Channel
from apps.notifications.statements import SQL

MAX_REFUSALS = 3


class Addressee(NamedTuple):
    email: str
    language: str
    channels: Mapping[str, str]
    digest: str
    is_silenced: bool

    def channel(self, kind: str) -> str:
        """The channel that the person chose for a kind."""
        return self.channels.get(kind) or KINDS[kind].channel

    def wants_at_once(self, kind: str) -> bool:
        return self.channel(kind) == Channel.MAIL and not self.is_silenced

    @property
    def has_digest(self) -> bool:
        return self.digest != Period.NEVER


def find(person_id: int, *, thread_id: int | None = None) -> Addressee | None:
    """None if mail of notices does not reach the person. ``is_silenced`` is about the conversation."""
    parameters = {"person": person_id, "thread": thread_id, "most": MAX_REFUSALS}
    with connection.cursor() as cursor:
        SQL.statement("addressee").execute_prepared(cursor, parameters)
        row = cursor.fetchone()
    if row is None:
        return None
    email, language, channels, *others = row
    return Addressee(email, language, json.loads(channels), *others)

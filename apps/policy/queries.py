"""Reads of the policy, from the look-aside cache."""

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple, Self
from zlib import crc32

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps import lookaside
from apps.policy.keys import POLICY
from apps.policy.models import NEW_ACCOUNT_HOURS, SignUpMode, SitePolicy


class Policy(NamedTuple):
    """The policy's values; times as ISO text, "" without an announcement, or if no one is away."""

    sign_up: str
    announcement: str
    until: str
    greeter_id: int | None
    greeting: str
    new_account_hours: int = NEW_ACCOUNT_HOURS
    away_until: str = ""

    @classmethod
    def from_cache(cls, cached: Mapping[str, Any]) -> Self:
        return cls(**cached)

    @classmethod
    def schema(cls) -> int:
        """Of the cached values: each release has its own fields."""
        return _SCHEMA

    def announcement_at(self, moment: datetime.datetime) -> str:
        """The announcement, "" after its end."""
        return self.announcement if _is_before(moment, self.until) else ""

    @property
    def announcement_now(self) -> str:
        return self.announcement_at(timezone.now()) if self.until else ""

    @property
    def is_away(self) -> bool:
        """Whether no moderator looks just now."""
        return bool(self.away_until) and _is_before(timezone.now(), self.away_until)


_SCHEMA = crc32(repr(Policy._fields).encode())


def _is_before(moment: datetime.datetime, end: str) -> bool:
    parsed = parse_datetime(end) if end else None
    return parsed is not None and moment < parsed


def current() -> Policy:
    """The policy. Inside a transaction it is read from the database."""
    return Policy.from_cache(lookaside.cache().get_or_compute(POLICY, for_cache, schema=_SCHEMA))


def for_cache() -> dict[str, Any]:
    """The row as JSON, or the defaults if there is none."""
    row = SitePolicy.objects.filter(pk=1).first() or SitePolicy(sign_up=SignUpMode.OPEN)
    until = row.announcement_until
    return {
        "sign_up": row.sign_up,
        "announcement": row.announcement,
        "until": until.isoformat() if until and row.announcement else "",
        "greeter_id": row.greeter_id,
        "greeting": row.greeting,
        "new_account_hours": row.new_account_hours,
        "away_until": row.away_until.isoformat() if row.away_until else "",
    }

"""Reads of the policy, from the look-aside cache."""

import datetime
from collections.abc import Mapping
from typing import Any, NamedTuple, Self

from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps import lookaside
from apps.policy.keys import POLICY
from apps.policy.models import SignUpMode, SitePolicy


class Policy(NamedTuple):
    """The policy's values; ``until`` as ISO text, "" without an announcement."""

    sign_up: str
    announcement: str
    until: str
    greeter_id: int | None
    greeting: str

    @classmethod
    def from_cache(cls, cached: Mapping[str, Any]) -> Self:
        return cls(*(cached[name] for name in cls._fields))

    def announcement_at(self, moment: datetime.datetime) -> str:
        """The announcement, "" after its end."""
        until = parse_datetime(self.until) if self.until else None
        return self.announcement if until is not None and moment < until else ""

    @property
    def announcement_now(self) -> str:
        return self.announcement_at(timezone.now()) if self.until else ""


def current() -> Policy:
    """The policy. Inside a transaction it is read from the database."""
    return Policy.from_cache(lookaside.cache().get_or_compute(POLICY, for_cache))


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
    }

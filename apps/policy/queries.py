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

# Under attack an account is new for so long, at least.
ATTACK_HOURS = 7 * 24


class Policy(NamedTuple):
    """The policy's values; times as ISO text, "" without an announcement, or if no one is away."""

    sign_up: str
    announcement: str
    until: str
    greeter_id: int | None
    greeting: str
    new_account_hours: int = NEW_ACCOUNT_HOURS
    away_until: str = ""
    attack_until: str = ""
    attack_sign_up: str = SignUpMode.APPROVAL
    proof_of_work: bool = False

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

    @property
    def is_under_attack(self) -> bool:
        return bool(self.attack_until) and _is_before(timezone.now(), self.attack_until)

    @property
    def sign_up_now(self) -> str:
        """Who may sign up: under attack the stricter of both choices."""
        if not self.is_under_attack:
            return self.sign_up
        return max(self.sign_up, self.attack_sign_up, key=_STRICTER.index)

    @property
    def asks_for_work(self) -> bool:
        """Whether forms ask for a solved puzzle (`apps.puzzles`)."""
        return self.proof_of_work or self.is_under_attack

    @property
    def hours_of_new_accounts(self) -> int:
        return max(self.new_account_hours, ATTACK_HOURS) if self.is_under_attack else self.new_account_hours


_STRICTER = [SignUpMode.OPEN, SignUpMode.APPROVAL, SignUpMode.INVITATION, SignUpMode.CLOSED]
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
        "attack_until": row.attack_until.isoformat() if row.attack_until else "",
        "attack_sign_up": row.attack_sign_up,
        "proof_of_work": row.proof_of_work,
    }

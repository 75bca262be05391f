"""The rates in `settings.LIMITS`."""

import re
from dataclasses import dataclass
from functools import cache
from typing import Self

from django.conf import settings

_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}
# A row stores 8 bytes for each hit that the rate allows; with more, it would outgrow a page of PostgreSQL.
MOST = 500


@dataclass(frozen=True)
class Rate:
    """At most ``amount`` in any span of ``seconds``."""

    amount: int
    seconds: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Parse ``30/10m`` (s, m, h, d). Raises ValueError for anything else."""
        found = re.fullmatch(r"(\d{1,3})/(\d{0,4})([smhd])", text)
        rate = cls(int(found[1]), int(found[2] or 1) * _SECONDS[found[3]]) if found else cls(0, 0)
        if not (0 < rate.amount <= MOST and rate.seconds > 0):
            raise ValueError(
                f"{text!r} is not a rate such as '30/10m' (1 to {MOST} hits, in a number of s, m, h or d)"
            )
        return rate


def rate_of(scope: str) -> Rate | None:
    """The rate of ``scope``, None for no limit. Raises KeyError and ValueError."""
    text = settings.LIMITS[scope]
    return _parsed(text) if text else None


@cache
def _parsed(text: str) -> Rate:
    return Rate.parse(text)

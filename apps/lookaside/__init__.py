"""Look-aside cache with leases."""

from apps.lookaside import stats
from apps.lookaside.backends import Lookaside, cache, failed
from apps.lookaside.bypass import bypassed, bypassing

__all__ = ["Lookaside", "bypassed", "bypassing", "cache", "failed", "stats"]

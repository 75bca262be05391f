"""The settings of each optimization, by the name of its folder in `apps/`, to switch it off by that name."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import ImproperlyConfigured

from kwippy.settings import stock

SWITCHES: dict[str, tuple[str, ...]] = {
    "pagecache": ("PAGECACHE", "SHEDDING"),
    # Without it pages are not cached either: they are stored in it.
    "lookaside": (
        "CACHES", "SESSION_ENGINE", "AUTHENTICATION_BACKENDS", "MIDDLEWARE", "MARK_SECONDS",
        "NETWORK_FIRST_PAGES",
    ),
    "fragments": ("FRAGMENT_CACHE_BYTES",),
    "nearcache": ("CARD_NEAR_CACHE_BYTES",),
    "statements": ("PREPARED_STATEMENTS",),
    "dbpool": ("DATABASES",),
    "commandqueue": ("TASKS", "MAILERS"),
}  # fmt: skip


def stock_values(names: Sequence[str]) -> dict[str, Any]:
    """The values of `stock.py` for the settings of these optimizations.

    Raises ImproperlyConfigured for a name that is none of `SWITCHES`.
    """
    names = [name.strip() for name in names]
    for name in names:
        if name not in SWITCHES:
            reason = "has no switch: it is the design of the addresses" if name == "keyset" else "is unknown"
            raise ImproperlyConfigured(
                f"WITHOUT={','.join(names)}: {name!r} {reason}. Choose from {', '.join(SWITCHES)}."
            )
    return {setting: getattr(stock, setting) for name in names for setting in SWITCHES[name]}

"""Time zones by their IANA name, as browsers report them."""

from functools import cache
from zoneinfo import ZoneInfo, available_timezones

NAME_LIMIT = 64


@cache
def names() -> frozenset[str]:
    """The names that this machine knows. "localtime" is the machine's own, whatever it is."""
    return frozenset(available_timezones() - {"localtime"})


@cache
def choices() -> list[str]:
    """The names to choose from: region and city, and UTC. Other names are aliases of these."""
    others = ("Etc/", "SystemV/", "US/", "posix/", "right/")
    return ["UTC", *sorted(name for name in names() if "/" in name and not name.startswith(others))]


def known(name: str) -> str:
    """The name if it is known, else ""."""
    return name if name in names() else ""


@cache
def zone(name: str) -> ZoneInfo:
    """The zone; UTC for a name that this machine does not know, or not any more."""
    return ZoneInfo(known(name) or "UTC")

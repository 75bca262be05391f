"""Blocked e-mail domains and networks: from there no one signs up. One entry of the look-aside cache."""

import datetime
import ipaddress
from collections.abc import Iterable, Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from apps import lookaside
from apps.invalidation import invalidate
from apps.policy.keys import BLOCKED
from apps.policy.models import MOST_BLOCKED, WIDEST, BlockedDomain, BlockedNetwork, ascii_domain

type Kind = type[BlockedDomain] | type[BlockedNetwork]


class Full(Exception):
    """The list would become longer than `MOST_BLOCKED`."""


def is_address_blocked(email: str) -> bool:
    """Whether the domain of the address, or a domain above it, is blocked."""
    labels = ascii_domain(email.rpartition("@")[2]).split(".")
    return _has(_lists()["domains"], (".".join(labels[start:]) for start in range(len(labels))))


def is_network_blocked(address: str) -> bool:
    """Whether a network of the address is blocked. A client without an address is not."""
    try:
        network = ipaddress.ip_network(address)
    except ValueError:
        return False
    lengths = range(WIDEST[network.version], network.prefixlen + 1)
    return _has(_lists()["networks"], (str(network.supernet(new_prefix=length)) for length in lengths))


def changed() -> None:
    """For writes of several rows, which do not call `save`."""
    invalidate(cache=[BLOCKED])


@transaction.atomic
def add(kind: Kind, values: Iterable[str], *, reason: str, until: datetime.datetime | None) -> int:
    """Blocks these domains or networks; returns how many are new. Raises `Full` and ValidationError."""
    rows = [kind(value=value, reason=reason, until=until) for value in values]
    for row in rows:
        row.clean_fields()
    there = set(kind._default_manager.values_list("value", flat=True))
    new = {row.value: row for row in rows if row.value not in there}
    if len(there) + len(new) > MOST_BLOCKED:
        raise Full
    stored: Any = kind._default_manager
    stored.bulk_create(new.values(), ignore_conflicts=True)
    changed()
    return len(new)


def _has(listed: Mapping[str, str], candidates: Iterable[str]) -> bool:
    """Whether one of the candidates is listed, and its end is not over."""
    found = [listed[candidate] for candidate in candidates if candidate in listed]
    return any(not until or (parse_datetime(until) or timezone.now()) > timezone.now() for until in found)


def _lists() -> dict[str, dict[str, str]]:
    lists: dict[str, dict[str, str]] = lookaside.cache().get_or_compute(BLOCKED, _for_cache)
    return lists


def _for_cache() -> dict[str, dict[str, str]]:
    """The ends as ISO text by domain and by network; "" without an end."""
    kinds: dict[str, Kind] = {"domains": BlockedDomain, "networks": BlockedNetwork}
    return {
        name: {
            value: until.isoformat() if until else ""
            for value, until in kind._default_manager.values_list("value", "until")[:MOST_BLOCKED]
        }
        for name, kind in kinds.items()
    }

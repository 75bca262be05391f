"""The client's address, as far as it can be trusted."""

import ipaddress
import re
from functools import cache, lru_cache

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# In TRUSTED_PROXIES: any client of the Unix socket, which has no address.
UNIX = "unix"
# A client without an address. All of these share their limits.
UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> str:
    """The address of the client: the nearest one that is not a trusted proxy.

    `X-Forwarded-For` is read from the right, as far as proxies in `settings.TRUSTED_PROXIES` wrote it; what
    the client wrote itself is never reached.
    """
    trusted = _parse(request.META.get("REMOTE_ADDR", ""))
    if not _is_proxy(trusted):
        return str(trusted or UNKNOWN)
    for text in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address = _parse(text)
        if address is None:
            break
        trusted = address
        if not _is_proxy(address):
            break
    return str(trusted or UNKNOWN)


def client_network(request: HttpRequest) -> str:
    """What identifies a client: its address, or for IPv6 its /64, which one household or server has."""
    address = _parse(client_address(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address or UNKNOWN)


def is_proxy(peer: str) -> bool:
    """Whether this peer, by its address as the server names it, is in `settings.TRUSTED_PROXIES`."""
    return _is_peer_proxy(peer, tuple(settings.TRUSTED_PROXIES))


@lru_cache(maxsize=64)
def _is_peer_proxy(peer: str, trusted: tuple[str, ...]) -> bool:
    return _is_proxy(_parse(peer))


@cache
def proxies(names: tuple[str, ...]) -> tuple[Network, ...]:
    """Parse the networks. Raises ValueError."""
    return tuple(ipaddress.ip_network(name) for name in names if name != UNIX)


def _is_proxy(address: Address | None) -> bool:
    names: list[str] = settings.TRUSTED_PROXIES
    if address is None:
        return UNIX in names
    return any(address in network for network in proxies(tuple(names)))


def _parse(text: str) -> Address | None:
    """Parse an address, which some proxies write with brackets and a port; None for anything else."""
    found = re.fullmatch(r"\s*(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+|(.*?))\s*", text, re.ASCII)
    try:
        address = ipaddress.ip_address((found and (found[1] or found[2] or found[3])) or "")
    except ValueError:
        return None
    # A dual-stack socket maps IPv4 into IPv6, where all of IPv4 would be one /64.
    return getattr(address, "ipv4_mapped", None) or address

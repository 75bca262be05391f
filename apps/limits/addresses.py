"""Where a request comes from, as far as that can be known."""

import ipaddress
import re
from functools import cache

from django.conf import settings
from django.http import HttpRequest

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# In TRUSTED_PROXIES: whoever can open our Unix socket, which has no address.
UNIX = "unix"
# What stands for a client that nothing is known of. All of them share their limits.
UNKNOWN = "unknown"


def client_address(request: HttpRequest) -> str:
    """The address that ``request`` came from: the nearest one that is no proxy of ours.

    `X-Forwarded-For` counts only as far as those have written it that `settings.TRUSTED_PROXIES` names,
    so it is read from the right; what a client put there itself is never reached.
    """
    believed = _parse(request.META.get("REMOTE_ADDR", ""))
    if not _is_proxy(believed):
        return str(believed or UNKNOWN)
    for text in reversed(request.META.get("HTTP_X_FORWARDED_FOR", "").split(",")):
        address = _parse(text)
        if address is None:
            break
        believed = address
        if not _is_proxy(address):
            break
    return str(believed or UNKNOWN)


def client_network(request: HttpRequest) -> str:
    """What to count a client by: the address, or for IPv6 the /64, which one home or server has to itself."""
    address = _parse(client_address(request))
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
    return str(address or UNKNOWN)


@cache
def proxies(names: tuple[str, ...]) -> tuple[Network, ...]:
    """The networks that are written in ``names``. Raises ValueError for what is none."""
    return tuple(ipaddress.ip_network(name) for name in names if name != UNIX)


def _is_proxy(address: Address | None) -> bool:
    names: list[str] = settings.TRUSTED_PROXIES
    if address is None:
        return UNIX in names
    return any(address in network for network in proxies(tuple(names)))


def _parse(text: str) -> Address | None:
    """The address in ``text``, which some proxies write with brackets and a port; None for anything else."""
    found = re.fullmatch(r"\s*(?:\[([^\]]*)\](?::\d+)?|([^:]*):\d+|(.*?))\s*", text, re.ASCII)
    try:
        address = ipaddress.ip_address((found and (found[1] or found[2] or found[3])) or "")
    except ValueError:
        return None
    # A socket for both families shows IPv4 inside IPv6; all of IPv4 would be in one /64.
    return getattr(address, "ipv4_mapped", None) or address

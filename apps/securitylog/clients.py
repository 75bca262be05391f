"""Readable names for where a request comes from: its browser, and the network of its address."""

import re
from ipaddress import ip_address, ip_network

from django.http import HttpRequest
from django.utils.translation import gettext as _

from apps import limits

# A longer header says nothing more, and some patterns take quadratic time.
_LONGEST = 400
# As much of an address as tells home from elsewhere: three of four bytes, or a subscriber's prefix.
_PREFIX = {4: 24, 6: 48}

# The first match counts: most browsers send several names.
_BROWSERS = (
    ("edge", r"Edg(e|A|iOS)?/"),
    ("opera", r"OPR/|Opera"),
    ("samsung internet", r"SamsungBrowser/"),
    ("vivaldi", r"Vivaldi/"),
    ("duckduckgo", r"DuckDuckGo|Ddg/"),
    ("firefox", r"Firefox/|FxiOS/"),
    ("chromium", r"Chromium/|HeadlessChrome/"),
    ("chrome", r"Chrome/|CriOS/"),
    ("safari", r"Version/.* Safari/"),
    ("curl", r"^curl/"),
    ("python", r"[Pp]ython"),
)
_SYSTEMS = (
    ("iphone", r"iPhone|iPod"),
    ("ipad", r"iPad"),
    ("android", r"Android"),
    ("windows", r"Windows"),
    ("chromeos", r"CrOS"),
    ("mac", r"Mac OS X|Macintosh"),
    ("linux", r"Linux|X11"),
)


def device(user_agent: str) -> str:
    """For example "firefox on linux". Only known names are in it, whatever the header says."""
    return in_words(*browser_and_system(user_agent))


def browser_and_system(user_agent: str) -> tuple[str, str]:
    """Their names, each empty if it is not known."""
    user_agent = user_agent[:_LONGEST]
    return _first(_BROWSERS, user_agent), _first(_SYSTEMS, user_agent)


def in_words(browser: str, system: str) -> str:
    """Both names in the reader's language."""
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("an unknown browser")


def network(address: str) -> str:
    """The beginning of an address, for example "192.0.2.…"; all of one that is this machine's.

    Empty for a client without an address, as of a Unix socket.
    """
    if address == limits.addresses.UNKNOWN:
        return ""
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        return str(ip)
    start = ip_network((ip, _PREFIX[ip.version]), strict=False).network_address
    return f"{str(start).removesuffix('.0')}.…" if ip.version == 4 else f"{str(start).removesuffix('::')}:…"


def of_request(request: HttpRequest | None) -> dict[str, str]:
    """What the security log keeps of a client; empty for what happens without a request."""
    if request is None:
        return {"network": "", "browser": "", "system": ""}
    browser, system = browser_and_system(request.headers.get("User-Agent", ""))
    return {"network": network(limits.client_address(request)), "browser": browser, "system": system}


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, user_agent)), "")

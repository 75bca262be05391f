"""Readable names for where a session is: its browser, and the network of its address."""

import re
from ipaddress import ip_address, ip_network

from django.utils.translation import gettext as _

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
    user_agent = user_agent[:_LONGEST]
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("an unknown browser")


def network(address: str) -> str:
    """The beginning of an address, for example "192.0.2.…"; all of one that is this machine's."""
    ip = ip_address(address)
    ip = getattr(ip, "ipv4_mapped", None) or ip
    if ip.is_loopback:
        return str(ip)
    start = ip_network((ip, _PREFIX[ip.version]), strict=False).network_address
    return f"{str(start).removesuffix('.0')}.…" if ip.version == 4 else f"{str(start).removesuffix('::')}:…"


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, user_agent)), "")

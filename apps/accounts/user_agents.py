"""Readable browser names for `User-Agent` headers."""

import re

from django.utils.translation import gettext as _

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
    """For example "firefox on linux"."""
    browser = _first(_BROWSERS, user_agent)
    system = _first(_SYSTEMS, user_agent)
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("an unknown browser")


def _first(known: tuple[tuple[str, str], ...], user_agent: str) -> str:
    return next((name for name, pattern in known if re.search(pattern, user_agent)), "")

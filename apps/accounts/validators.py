"""What a user name may be."""

import re
import unicodedata
from functools import cache

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import RegexValidator
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RoutePattern
from django.utils.translation import gettext_lazy as _

USERNAME_PATTERN = r"[a-z0-9_]{3,30}"

# First path segments that the site uses or means to use, beyond those its URL map holds today:
# nobody may register a name that a later release would have to take away.
PLANNED_SEGMENTS = frozenset({
    "about", "admin", "api", "contact", "livez", "media", "messages", "metrics", "notifications",
    "people", "readyz", "robots.txt", "search", "static", ".well-known",
    # ActivityPub's, and those of a client API.
    "activities", "actor", "ap", "app", "apps", "auth", "authorize_interaction", "avatars", "explore",
    "headers", "inbox", "nodeinfo", "oauth", "outbox", "share", "statuses", "users", "web",
})  # fmt: skip

# Words that a visitor would take for the site itself speaking.
VOICES = frozenset({
    "abuse", "admin", "administrator", "help", "helpdesk", "hostmaster", "kwippy", "moderator", "noreply",
    "official", "operator", "postmaster", "root", "security", "staff", "support", "sysadmin", "system",
    "webmaster",
})  # fmt: skip
# What such a name may have besides.
_BESIDES = frozenset(
    {"account", "accounts", "center", "desk", "mod", "mods", "my", "of", "service", "team", "the"}
)

username_shape = RegexValidator(
    rf"\A{USERNAME_PATTERN}\Z",
    _("a user name is 3 to 30 of the letters a-z, the digits and the underscore."),
    code="shape",
)


@cache
def reserved_names() -> frozenset[str]:
    """Every word that can't be a user name, because it is, or will be, the start of an address."""
    return frozenset(_first_segments(get_resolver().url_patterns)) | PLANNED_SEGMENTS | VOICES


def _first_segments(patterns: list[URLPattern | URLResolver]) -> set[str]:
    segments: set[str] = set()
    for pattern in patterns:
        route = str(pattern.pattern)
        if not isinstance(pattern.pattern, RoutePattern):
            # A pattern by regular expression can't be read as a path; the words in it can.
            segments.update(re.findall(r"[\w.-]{2,}", route))
            continue
        segment = route.split("/", 1)[0]
        if not segment and isinstance(pattern, URLResolver):
            segments |= _first_segments(pattern.url_patterns)
        elif segment and "<" not in segment:
            segments.add(segment.lower())
    return segments


def is_the_sites(name: str) -> bool:
    """Whether a visitor would take ``name`` for the site itself: "kwippy support", "The Official_Team"."""
    own = VOICES | {_letters(settings.SITE_NAME)} - {""}
    # In one word as in several, and in the plural.
    words, voices = ("|".join(sorted(some, key=len, reverse=True)) for some in (own | _BESIDES, own))
    found = _letters(name)
    return bool(re.fullmatch(f"(?:(?:{words})s?)+", found) and re.search(voices, found))


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W\d_]", unicodedata.normalize("NFKC", text).casefold()))


def not_reserved(name: str) -> None:
    """Raises ValidationError where ``name`` is a word the site keeps for itself, or made of such words."""
    if name.lower() in reserved_names() or is_the_sites(name):
        raise ValidationError(_("that name is kept by the site, sorry. try another?"), code="reserved")

"""What a user name may be."""

import re
from functools import cache

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
})  # fmt: skip

# Words that a visitor would take for the site itself speaking.
VOICES = frozenset({"administrator", "kwippy", "moderator", "operator", "root", "staff", "support"})

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


def not_reserved(name: str) -> None:
    """Raises ValidationError where ``name`` is a word the site keeps for itself."""
    if name.lower() in reserved_names():
        raise ValidationError(_("that name is kept by the site, sorry. try another?"), code="reserved")

"""Validators of user names, and the reserved names."""

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

# First path segments, beyond those of the URL configuration, that a later release may need.
PLANNED_SEGMENTS = frozenset({
    "about", "admin", "api", "contact", "livez", "media", "messages", "metrics", "notifications",
    "people", "readyz", "robots.txt", "search", "static", ".well-known",
    # ActivityPub and the client API.
    "activities", "actor", "ap", "app", "apps", "auth", "authorize_interaction", "avatars", "explore",
    "headers", "inbox", "nodeinfo", "oauth", "outbox", "share", "statuses", "users", "web",
})  # fmt: skip

# Words that suggest an official account.
OFFICIAL_WORDS = frozenset({
    "abuse", "admin", "administrator", "help", "helpdesk", "hostmaster", "kwippy", "moderator", "noreply",
    "official", "operator", "postmaster", "root", "security", "staff", "support", "sysadmin", "system",
    "webmaster",
})  # fmt: skip
# Words that may accompany them.
_FILLERS = frozenset(
    {"account", "accounts", "center", "desk", "mod", "mods", "my", "of", "service", "team", "the"}
)

username_shape = RegexValidator(
    rf"\A{USERNAME_PATTERN}\Z",
    _("a user name is 3 to 30 of the letters a-z, the digits and the underscore."),
    code="shape",
)


@cache
def reserved_names() -> frozenset[str]:
    """Words that cannot be user names: first segments of URLs, and official words."""
    return frozenset(_first_segments(get_resolver().url_patterns)) | PLANNED_SEGMENTS | OFFICIAL_WORDS


def _first_segments(patterns: list[URLPattern | URLResolver]) -> set[str]:
    segments: set[str] = set()
    for pattern in patterns:
        route = str(pattern.pattern)
        if not isinstance(pattern.pattern, RoutePattern):
            # Reserves all words of a regular expression.
            segments.update(re.findall(r"[\w.-]{2,}", route))
            continue
        segment = route.split("/", 1)[0]
        if not segment and isinstance(pattern, URLResolver):
            segments |= _first_segments(pattern.url_patterns)
        elif segment and "<" not in segment:
            segments.add(segment.lower())
    return segments


def looks_official(name: str) -> bool:
    """Whether ``name`` suggests an official account, such as "kwippy support" or "The Official_Team"."""
    official = OFFICIAL_WORDS | {_letters(settings.SITE_NAME)} - {""}
    # Matches run-together words and plurals.
    words, required = (
        "|".join(sorted(group, key=len, reverse=True)) for group in (official | _FILLERS, official)
    )
    letters = _letters(name)
    return bool(re.fullmatch(f"(?:(?:{words})s?)+", letters) and re.search(required, letters))


def _letters(text: str) -> str:
    return "".join(re.findall(r"[^\W\d_]", unicodedata.normalize("NFKC", text).casefold()))


def not_reserved(name: str) -> None:
    """Raises ValidationError if ``name`` is reserved or looks official."""
    if name.lower() in reserved_names() or looks_official(name):
        raise ValidationError(_("that name is kept by the site, sorry. try another?"), code="reserved")

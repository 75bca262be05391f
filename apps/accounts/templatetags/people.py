"""Template tags and filters for users."""

import zlib

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.accounts import avatars
from apps.accounts.user_agents import device
from apps.plaintext import preserve_spaces, safe, truncate

register = template.Library()
register.filter("device", device)
register.filter("safe_text", safe)

HUES = 8
PIXELS = {"s": 30, "m": 44, "l": 104}


@register.filter
def hue(username: str) -> int:
    """The number of the default picture of a user, derived from the user name."""
    return zlib.crc32(username.encode()) % HUES


@register.simple_tag
def photo(picture: str) -> SafeString:
    """A user's uploaded picture as an h-card property."""
    if not picture:
        return SafeString()
    return format_html('<data class="u-photo" value="{}"></data>', avatars.url(picture))


@register.filter
def beginning(text: str, limit: int) -> str:
    """The text on one line, truncated at a grapheme boundary."""
    return truncate(" ".join(safe(text).split()), limit)


@register.filter
def for_mail(text: str) -> SafeString:
    """The text as HTML that preserves line breaks and spaces without a style sheet."""
    lines = str(escape(safe(text))).replace("\n", "<br>")
    return mark_safe(preserve_spaces(lines))  # noqa: S308 - it was escaped


@register.simple_tag
def avatar(username: str, picture: str, size: str) -> SafeString:
    """A user's picture, or a default one. ``size`` is "s", "m" or "l"."""
    if not picture:
        return format_html(
            '<svg class="avatar avatar-{} hue-{}" width="44" height="44" aria-hidden="true">'
            '<use href="#face-{}" /></svg>',
            size,
            hue(username),
            hue(username[::-1]),
        )
    return format_html(
        '<img class="avatar avatar-{}" src="{}" alt="" width="{}" height="{}" decoding="async">',
        size,
        avatars.url(picture),
        PIXELS[size],
        PIXELS[size],
    )

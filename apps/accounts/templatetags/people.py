"""How people are shown."""

import zlib

from django import template
from django.utils.html import escape, format_html
from django.utils.safestring import SafeString, mark_safe

from apps.accounts import avatars
from apps.accounts.devices import device
from apps.accounts.me import Me
from apps.plaintext import cut, kept_spaces, safe

register = template.Library()
register.filter("device", device)

HUES = 8
# Where the menu leads, besides to oneself.
MENU = frozenset({"/", "/everyone/", "/kwip/", "/settings/", "/accounts/login/", "/accounts/signup/"})
PIXELS = {"s": 30, "m": 44, "l": 104}


@register.filter
def hue(username: str) -> int:
    """Which of the drawn pictures stands for someone without one of their own: 0 to 7, always the same."""
    return zlib.crc32(username.encode()) % HUES


@register.filter
def in_menu(path: str, me: Me | str) -> str:
    """``path`` where the menu leads there, else "". ``me`` is "" for a visitor."""
    return path if path in MENU or (isinstance(me, Me) and path == me.path) else ""


@register.simple_tag
def photo(picture: str) -> SafeString:
    """A person's own picture, for programs that read an h-card; people see `avatar`."""
    if not picture:
        return SafeString()
    return format_html('<data class="u-photo" value="{}"></data>', avatars.url(picture))


@register.filter
def beginning(text: str, limit: int) -> str:
    """The text on one line, cut at a character's end: for previews and descriptions."""
    return cut(" ".join(safe(text).split()), limit)


@register.filter
def safe_text(text: str) -> str:
    """The text without the characters that break documents; escaped as any other."""
    return safe(text)


@register.filter
def for_mail(text: str) -> SafeString:
    """The text as it was written, for a mail: its line breaks, indentation and runs of spaces."""
    lines = str(escape(safe(text))).replace("\n", "<br>")
    return mark_safe(kept_spaces(lines))  # noqa: S308 - it was escaped


@register.simple_tag
def avatar(username: str, picture: str, size: str) -> SafeString:
    """Someone's picture, or the one we draw for who has none. ``size`` is "s", "m" or "l"."""
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

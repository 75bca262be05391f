"""Template tags and filters for users."""

from functools import lru_cache
from typing import Any

from django import template
from django.utils.html import escape, format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe

from apps.accounts import avatars, faces, settings_pages
from apps.pictures import files
from apps.plaintext import preserve_spaces, safe, truncate
from apps.securitylog.clients import device, network

register = template.Library()
register.filter("device", device)
register.filter("network", network)
register.filter("safe_text", safe)

PIXELS = {"s": 30, "m": 44, "l": 104}


@register.simple_tag
def photo(picture: str) -> SafeString:
    """A user's uploaded picture as an h-card property."""
    if not faces.is_upload(picture):
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
    """A user's picture. ``picture`` is the name of an upload, the code of a face, or "" for the derived one.

    ``size`` is "s", "m" or "l".
    """
    if not faces.is_upload(picture):
        return drawn(faces.face(username, picture), size)
    return format_html(
        '<img class="avatar avatar-{}" src="{}" alt="" width="{}" height="{}" decoding="async">',
        size,
        avatars.url(picture),
        PIXELS[size],
        PIXELS[size],
    )


@register.simple_tag
def header_picture(name: str) -> SafeString:
    """The wide picture above a person's page; nothing without one."""
    if not name:
        return SafeString()
    band, wide = files.url(name, "band"), files.url(name, "wide")
    return format_html(
        '<img class="header" src="{}" srcset="{} 750w, {} 1500w" sizes="(width < 60rem) 100vw, 47rem" alt=""'
        ' width="1500" height="500" decoding="async">',
        band,
        band,
        wide,
    )


@lru_cache(maxsize=2_000)
def drawn(face: faces.Face, size: str) -> SafeString:
    """A drawn face, from the parts in `_icons.html`."""
    return format_html(
        '<svg class="avatar avatar-{} {}" viewBox="0 0 40 40" width="44" height="44" aria-hidden="true">'
        "{}</svg>",
        size,
        face.css,
        format_html_join("", '<use href="#{}" />', ((part,) for part in face.parts)),
    )


@register.inclusion_tag("accounts/_sections.html")
def settings_sections(path: str) -> dict[str, Any]:
    """The navigation of the settings, for the page at this address."""
    section, page = settings_pages.current(path) or (None, None)
    return {"sections": settings_pages.sections(), "section": section, "page": page}

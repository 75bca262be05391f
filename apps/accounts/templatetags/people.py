"""How people are shown."""

import zlib

from django import template

register = template.Library()

HUES = 8


@register.filter
def hue(username: str) -> int:
    """Which of the drawn pictures stands for someone without one of their own: 0 to 7, always the same."""
    return zlib.crc32(username.encode()) % HUES

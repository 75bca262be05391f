"""Text on one line, for what is an attribute or a title."""

from django import template

register = template.Library()


@register.filter(is_safe=True)
def oneline(text: str) -> str:
    """``text`` with single spaces for all white space, and none at its ends."""
    return " ".join(text.split())

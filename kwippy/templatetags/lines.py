"""Text on one line, for attributes and titles."""

from django import template

register = template.Library()


@register.filter(is_safe=True)
def oneline(text: str) -> str:
    """``text`` with each run of white space replaced by one space, and none at the ends."""
    return " ".join(text.split())

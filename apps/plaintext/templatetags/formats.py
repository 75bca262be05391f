"""Filters and tags for counts, times and lines; built into every template (`TEMPLATES`)."""

import datetime

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = template.Library()


@register.filter
def compact(number: int) -> str:
    """A count in four characters at most: 999, 1.2k, 34k, 5.6m."""
    for size, letter in ((1_000_000, "m"), (1_000, "k")):
        if number >= size:
            tenths = number * 10 // size
            short = f"{tenths // 10}.{tenths % 10}" if tenths < 100 and tenths % 10 else str(tenths // 10)
            return short + letter
    return str(number)


@register.filter
def small(text: object) -> str:
    """In lower case, but in German, which writes nouns with capitals."""
    return str(text) if get_language() == "de" else str(text).lower()


@register.simple_tag
def timestamp(moment: datetime.datetime, css: str = "") -> SafeString:
    """A `time` element in UTC; a script converts it to local or relative time."""
    moment = moment.astimezone(datetime.UTC)
    shown = small(date_format(moment, "j M Y, H:i")) + " utc"
    classes = format_html(' class="{}"', css) if css else ""
    return format_html(
        '<time datetime="{}"{} dir="auto">{}</time>', moment.isoformat(timespec="seconds"), classes, shown
    )


@register.filter(is_safe=True)
def oneline(text: str) -> str:
    """Collapses white space, for attributes and titles."""
    return " ".join(text.split())

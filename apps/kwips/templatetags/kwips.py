"""How kwips are shown."""

import datetime
import uuid
from collections.abc import Iterable

from django import template
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.models import User
from apps.kwips import queries
from apps.kwips.cards import ShownCard

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
def joined(cards: Iterable[ShownCard]) -> SafeString:
    """The HTML of a list's cards, one below the other."""
    return mark_safe("".join([shown.card for shown in cards]))  # noqa: S308 - each is safe


@register.simple_tag
def timestamp(moment: datetime.datetime, css: str = "") -> SafeString:
    """``moment`` as a `time` element in UTC, which the browser turns into its own zone and "3 min ago"."""
    moment = moment.astimezone(datetime.UTC)
    shown = date_format(moment, "j M Y, H:i").lower() + " utc"
    classes = format_html(' class="{}"', css) if css else ""
    return format_html(
        '<time datetime="{}"{} dir="auto">{}</time>', moment.isoformat(timespec="seconds"), classes, shown
    )


@register.simple_tag
def shown_counts(person: User, viewer: User) -> dict[str, int]:
    """The counters above a person's lists, as the viewer sees those."""
    return queries.shown_counts(person, viewer.pk)


@register.simple_tag
def form_key() -> str:
    """Tells this form from every other, so that one sent twice is taken once."""
    return str(uuid.uuid4())

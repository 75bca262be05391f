"""How kwips are shown."""

import re
import uuid
from collections.abc import Iterable

from django import template
from django.template import Context
from django.utils.safestring import SafeString, mark_safe

from apps.accounts.models import User
from apps.fragments import insert
from apps.kwips import of_the_day, queries, text
from apps.kwips.forms import KwipForm

register = template.Library()

_TIME = re.compile(rb"<time\b[^>]*>[^<]*</time>")


@register.simple_tag(takes_context=True)
def cards(context: Context, shown: Iterable[bytes]) -> SafeString:
    """The cards of a list, one below the other."""
    return insert(context, *shown)


@register.simple_tag
def time_of_last(shown: Iterable[bytes]) -> SafeString:
    """The time of the last card in a list, as the card has it: a list knows no more than ids."""
    found = _TIME.search(next(reversed([*shown]), b""))
    return mark_safe(found[0].decode() if found else "")  # noqa: S308 - from a card


@register.filter
def linked(words: str) -> SafeString:
    """Escaped text with links for addresses and tags."""
    return text.to_html(words)


@register.simple_tag
def shown_counts(person: User, viewer: User) -> queries.ShownCounts:
    """The counters above a person's lists, as the viewer sees those."""
    return queries.shown_counts(person, viewer.pk)


@register.simple_tag
def is_of_the_day(kwip_id: int) -> bool:
    return of_the_day.is_chosen(kwip_id)


@register.simple_tag
def blank_form() -> KwipForm:
    """The form for a kwip with nothing in it; `form_key` gives it its key."""
    return KwipForm()


@register.simple_tag
def form_key() -> SafeString:
    """A key of this one form, so that a form that is sent twice is accepted once."""
    return mark_safe(str(uuid.uuid4()))  # noqa: S308 - letters, digits and hyphens

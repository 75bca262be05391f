"""Which pages strangers ask for most: what `manage.py warmpages` makes."""

from collections.abc import Iterator
from urllib.parse import quote

from apps.feeds import queries
from apps.kwips.models import KwipTag
from apps.kwips.queries import cards


def popular() -> Iterator[str]:
    """Everyone's pages, and what they lead to: the newest kwips, who wrote them, their tags."""
    yield from ("/", "/everyone/", "/everyone/?sort=active", "/everyone/feed.atom", "/about/")
    ids = [entry.id for entry in queries.everyone(viewer_id=None).page({})]
    for card in cards(ids):
        yield card.url
        yield f"/{card.username}/"
    for name in KwipTag.objects.filter(kwip__in=ids).values_list("tag__name", flat=True).distinct():
        yield f"/tag/{quote(name)}/"

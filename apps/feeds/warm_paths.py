"""The paths that `manage.py warmpages` renders into the page cache."""

from collections.abc import Iterator
from urllib.parse import quote

from apps.feeds import queries
from apps.kwips.models import KwipTag
from apps.kwips.queries import cards


def warm_paths() -> Iterator[str]:
    """The pages of everyone, of the newest kwips, of their authors and tags."""
    yield from ("/", "/everyone/", "/everyone/?sort=active", "/everyone/feed.atom", "/about/")
    ids = [entry.id for entry in queries.everyone(viewer_id=None).page({})]
    for card in cards(ids):
        yield card.url
        yield f"/{card.username}/"
    for name in KwipTag.objects.filter(kwip__in=ids).values_list("tag__name", flat=True).distinct():
        yield f"/tag/{quote(name)}/"

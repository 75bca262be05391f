"""Which pages of strangers kwips are shown on: what a change of them purges."""

from apps.accounts import freshness
from apps.kwips.models import Kwip, KwipTag


def shown_on(*kwips: Kwip) -> list[str]:
    """The surrogate keys of the pages that show these to strangers: one query. None for followers' own.

    A comment's card is on its conversation, its own pages (whole, history) and its tags, a kwip's on
    everyone's and its author's timelines too. An edited kwip is also quoted by its comments: pass them as
    well.
    """
    public = [kwip for kwip in kwips if not kwip.followers_only]
    if not public:
        return []
    names = KwipTag.objects.filter(kwip__in=[kwip.pk for kwip in public]).values_list("tag__name", flat=True)
    pages = {freshness.tag_pages(name) for name in names}
    for kwip in public:
        pages |= {freshness.kwip_pages(kwip.pk), freshness.kwip_pages(kwip.thread_id or kwip.pk)}
        if kwip.thread_id is None:
            pages |= {freshness.EVERYONE, freshness.user_pages(kwip.author.username)}
    return sorted(pages)

"""The site's reads by the ORM, as a good Django developer writes them: one queryset a list, with
`select_related` and `prefetch_related`, and one query for each kind of mark.

The same rules decide what a viewer sees, except for three that no queryset has a word for: the network shows
no shares, muted words and conversations are not looked for, and people's former names are not linked. So
these reads do a little less than the site's.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from apps.accounts import faces
from apps.accounts.models import User
from apps.graph.models import Block, Follow, Mute
from apps.kwips import formatting
from apps.kwips.card_pictures import CardPicture
from apps.kwips.models import Bookmark, Favourite, Kwip, Share, Visibility
from apps.kwips.queries import Card
from apps.kwips.visibility import Visible
from apps.plaintext import safe

MARKS = (("heart", Favourite, "user"), ("shared", Share, "sharer"), ("bookmark", Bookmark, "user"))


@dataclass(frozen=True, slots=True)
class Entry:
    """A kwip of a list, as `apps.kwips.cards.Versioned`, with its card."""

    id: Visible
    version: int
    authors_version: int
    unlinked: Sequence[int]
    marks: Sequence[str] | None
    card: Card
    shared_by: Sequence[str] | None = None
    muffled: Sequence[str] | None = None


def visible(viewer_id: int | None) -> QuerySet[Kwip]:
    """What the viewer may see, with all that its card shows."""
    kwips = Kwip.objects.filter(withheld=0).select_related("author", "thread__author")
    kwips = kwips.prefetch_related("mentions__user", "pictures__picture")
    everyone = Q(visibility=Visibility.EVERYONE, audience=None)
    if viewer_id is None:
        return kwips.filter(everyone)
    follows = Follow.objects.filter(follower=viewer_id, followee=OuterRef("audience"))
    own = Q(author=viewer_id) | Q(audience=viewer_id)
    followers = Q(visibility__lte=Visibility.FOLLOWERS) & Q(Exists(follows))
    return (
        kwips.filter(everyone | own | followers)
        .exclude(author__in=Block.objects.filter(blocker=viewer_id).values("blocked"))
        .exclude(author__in=Block.objects.filter(blocked=viewer_id).values("blocker"))
    )


def unmuted(viewer_id: int | None) -> QuerySet[Kwip]:
    kwips = visible(viewer_id).filter(thread=None)
    if viewer_id is None:
        return kwips
    lasting = Q(ends_at=None) | Q(ends_at__gt=Now())
    return kwips.exclude(author__in=Mute.objects.filter(lasting, muter=viewer_id).values("muted"))


def everyone(viewer_id: int | None) -> QuerySet[Kwip]:
    return unmuted(viewer_id).filter(author__is_limited=False).order_by("-id")


def network(viewer_id: int) -> QuerySet[Kwip]:
    followees = Follow.objects.filter(follower=viewer_id).values("followee")
    return unmuted(viewer_id).filter(Q(author=viewer_id) | Q(author__in=followees)).order_by("-id")


def person(viewer_id: int | None, person_id: int) -> QuerySet[Kwip]:
    return visible(viewer_id).filter(thread=None, author=person_id).order_by("-id")


def comments(viewer_id: int | None, thread_id: int) -> QuerySet[Kwip]:
    return visible(viewer_id).filter(thread=thread_id).order_by("id")


def entries(kwips: Sequence[Kwip], viewer_id: int | None) -> list[Entry]:
    """The kwips with the marks of the viewer: one query for each kind of mark."""
    marked: dict[int, list[str]] | None = None
    if viewer_id is not None:
        marked = {kwip.pk: [] for kwip in kwips}
        for name, model, person in MARKS:
            found = model._default_manager.filter(**{person: viewer_id, "kwip__in": list(marked)})
            for kwip_id in found.values_list("kwip_id", flat=True):
                marked[kwip_id].append(name)
    return [_entry(kwip, None if marked is None else marked[kwip.pk]) for kwip in kwips]


def _entry(kwip: Kwip, marks: list[str] | None) -> Entry:
    card = card_of(kwip)
    return Entry(card.id, card.version, card.authors_version, card.unlinked, marks, card)


def card_of(kwip: Kwip) -> Card:
    author, thread = kwip.author, kwip.thread
    mentioned: list[User] = [mention.user for mention in kwip.mentions.all()]
    note = safe(kwip.content_note)
    excerpt = (
        formatting.excerpt(thread.content_note or thread.text, formatted=thread.is_formatted)
        if thread
        else ""
    )
    return Card(
        id=Visible(kwip.pk),
        version=kwip.version,
        author_id=author.pk,
        authors_version=author.version + (thread.author.version if thread else 0),
        username=author.username,
        name=author.name,
        avatar=faces.with_mood(author.username, author.avatar, note or kwip.text),
        text=kwip.text,
        size=len(kwip.text.encode()),
        content_note=note,
        is_formatted=kwip.is_formatted,
        created_at=kwip.created_at,
        edited_at=kwip.edited_at,
        comments_count=kwip.comments_count,
        favourites_count=kwip.favourites_count,
        shares_count=kwip.shares_count,
        followers_only=kwip.followers_only,
        withheld=kwip.withheld,
        thread_id=kwip.thread_id,
        thread_author_id=thread.author_id if thread else None,
        thread_username=thread.author.username if thread else "",
        answers_id=kwip.answers_id,
        thread_excerpt=excerpt,
        mentions=frozenset(person.username for person in mentioned if person.is_active),
        unlinked=tuple(person.pk for person in mentioned if not person.is_active),
        is_sensitive=kwip.is_sensitive,
        pictures=tuple(_picture(each.picture) for each in kwip.pictures.all()),
    )


def _picture(picture) -> CardPicture:  # type: ignore[no-untyped-def]
    return CardPicture(*(getattr(picture, name) for name in CardPicture._fields))

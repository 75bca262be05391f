"""The pictures of kwips: what publishing, editing and deleting do with them, inside their transactions.

A picture waits for its uploader (`apps.pictures`) until a kwip uses it. The row `KwipPicture` and the end of
the wait are one commit, and so are the end of the kwip and the release of its pictures, whose files the sweep
then deletes.
"""

import datetime
import random
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, OuterRef
from django.tasks import task

from apps.accounts.models import User
from apps.kwips.card_pictures import CardPicture
from apps.kwips.models import Kwip
from apps.kwips.picture_models import KwipPicture
from apps.pictures import actions as pictures
from apps.pictures.models import Picture

BATCH = 500
PARTS = 1_000  # a statement looks at `BATCH` rows, a run at so many times as many


class Vanished(Exception):
    """Pictures that a kwip is to have are gone, or in another kwip; ``names`` are theirs."""

    def __init__(self, names: Collection[str]) -> None:
        super().__init__(names)
        self.names = frozenset(names)


class Description(NamedTuple):
    """What a person says of a picture: what is to be seen, and what stays in sight where it is cut."""

    alt: str
    focal: tuple[int, int] | None = None


type Descriptions = Mapping[str, Description]


def pictures_of(kwip_id: int) -> list[CardPicture]:
    rows = KwipPicture.objects.filter(kwip=kwip_id).select_related("picture")
    return [CardPicture(*[getattr(row.picture, name) for name in CardPicture._fields]) for row in rows]


def attach(kwip: Kwip, author: User, names: Sequence[str], described: Descriptions) -> None:
    """Gives a new kwip its pictures. Raises `Vanished`."""
    if names:
        _add(kwip, author, dict(zip(names, range(len(names)), strict=True)))
        _describe(author, names, described)


def change(kwip: Kwip, author: User, names: Sequence[str], described: Descriptions) -> bool:
    """Gives a locked kwip these pictures in place of its own. Returns whether it had others.

    Raises `Vanished`.
    """
    rows = {row.picture.name: row for row in KwipPicture.objects.filter(kwip=kwip).select_related("picture")}
    gone = [row for name, row in rows.items() if name not in names]
    if gone:
        KwipPicture.objects.filter(pk__in=[row.pk for row in gone]).delete()
        pictures.release(pictures=[row.picture for row in gone])
    _add(kwip, author, {name: place for place, name in enumerate(names) if name not in rows})
    for place, name in enumerate(names):
        if name in rows and rows[name].place != place:
            KwipPicture.objects.filter(pk=rows[name].pk).update(place=place)
    _describe(author, names, described)
    return list(rows) != list(names)


def _add(kwip: Kwip, author: User, places: Mapping[str, int]) -> None:
    if not places:
        return
    used = {picture.name: picture for picture in pictures.use(owner=author, names=list(places))}
    if missing := places.keys() - used.keys():
        raise Vanished(missing)
    KwipPicture.objects.bulk_create(
        KwipPicture(kwip=kwip, picture=used[name], place=place) for name, place in places.items()
    )


def _describe(author: User, names: Sequence[str], described: Descriptions) -> None:
    for name in names:
        if name in described:
            pictures.describe(owner=author, name=name, **described[name]._asdict())


def release(kwip_ids: Collection[int]) -> None:
    """Lets go of the pictures of kwips that are being deleted."""
    if freed := list(Picture.objects.filter(pk__in=_of(kwip_ids))):
        KwipPicture.objects.filter(kwip__in=kwip_ids).delete()
        pictures.release(pictures=freed)


def _of(kwip_ids: Collection[int]) -> Iterable[int]:
    return KwipPicture.objects.filter(kwip__in=kwip_ids).values_list("picture", flat=True)


def return_to_author(kwip: Kwip, until: datetime.datetime) -> None:
    """Takes the pictures from a kwip; they wait ``until`` then for another one."""
    taken = Picture.objects.filter(pk__in=_of([kwip.pk]))
    taken.update(waits_until=until)
    KwipPicture.objects.filter(kwip=kwip).delete()


@task(queue_name="bulk")
def release_left() -> int:
    """Lets go of pictures whose kwip was deleted by a release that knew no pictures. Returns how many.

    It looks at `PARTS` parts of the rows, from a random one on, around the end: of most sites at all.
    """
    last = KwipPicture.objects.order_by("pk").last()
    parts = list(range(0, last.pk + 1, BATCH)) if last else []
    begin = random.randrange(len(parts)) if parts else 0  # noqa: S311 - no secret
    return sum(_release_left(first) for first in (parts[begin:] + parts[:begin])[:PARTS])


@transaction.atomic
def _release_left(first: int) -> int:
    kwips = Kwip.objects.filter(pk=OuterRef("kwip_id"))
    part = KwipPicture.objects.filter(pk__gte=first, pk__lt=first + BATCH)
    left = list(part.filter(~Exists(kwips)).select_related("picture").order_by("pk"))
    if left:
        KwipPicture.objects.filter(pk__in=[row.pk for row in left]).delete()
        pictures.release(pictures=[row.picture for row in left])
    return len(left)

"""Reads of people and tags. ``viewer_id`` is None for anonymous visitors."""

from collections.abc import Mapping, Sequence

from apps.accounts.models import User
from apps.directory.models import BusyTag
from apps.directory.statements import first_people, people
from apps.keyset import Key, KeysetOrder, Page, Seek, paginate

PAGE_SIZE = 30
FIRST_FOLLOWS = 5

_BY_PLACE = (Key("place"),)
_NEW = KeysetOrder("new people")
_ACTIVE = KeysetOrder("active people", keys=_BY_PLACE, oldest_first=True)


def new(viewer_id: int | None, arguments: Mapping[str, str]) -> Page[User]:
    """The newest people. Raises `BadCursor`."""
    return _page("new", _NEW, viewer_id, arguments)


def active(viewer_id: int | None, arguments: Mapping[str, str]) -> Page[User]:
    """Who wrote most lately. Raises `BadCursor`."""
    return _page("active", _ACTIVE, viewer_id, arguments)


def network(viewer_id: int, arguments: Mapping[str, str]) -> Page[User]:
    """People whom those follow whom the viewer follows. Raises `BadCursor`."""
    order = KeysetOrder(f"people of the network of {viewer_id}", keys=_BY_PLACE, oldest_first=True)
    return _page("network", order, viewer_id, arguments)


def first_follows(viewer_id: int) -> list[User]:
    """Five people for a member whose network is empty, each with the beginning of their newest kwip."""
    return first_people("first_follows", viewer_id=viewer_id, limit=FIRST_FOLLOWS)


def busy_tags() -> list[str]:
    """The tags that most people used in the last week."""
    return list(BusyTag.objects.order_by("place").values_list("tag__name", flat=True))


def _page(name: str, order: KeysetOrder, viewer_id: int | None, arguments: Mapping[str, str]) -> Page[User]:
    def fetch(seek: Seek) -> Sequence[User]:
        return people(name, seek, viewer_id=viewer_id)

    return paginate(arguments, order, fetch, limit=PAGE_SIZE)

"""Profile and header pictures. A user's row has the file name of their square below ``avatars/``.

Those from before `apps.pictures` have no row there, but their files have the same addresses.
"""

from collections.abc import Collection, Iterator

from django.core.files.storage import default_storage
from django.db import transaction

from apps.accounts.models import User
from apps.pictures import actions as pictures
from apps.pictures import files, holders
from apps.pictures.models import Picture, Shape

SUFFIX = ".webp"


def url(filename: str) -> str:
    return default_storage.url(f"{files.SQUARES}/{filename}")


def read(filename: str) -> bytes | None:
    return files.read(filename.removesuffix(SUFFIX), "square")


def of(person: User) -> Iterator[tuple[str, bytes]]:
    """The pictures that a person shows, by their names in an archive."""
    if person.picture and (picture := read(person.picture)):
        yield "picture.webp", picture
    if person.header_picture and (picture := files.read(person.header_picture, "wide")):
        yield "header.webp", picture


def take(owner_id: int, picture: Picture | None) -> str:
    """Makes the waiting picture used, and returns the name for the user's row; "" for none."""
    return "".join(
        used.name + SUFFIX for used in pictures.use(owner=owner_id, names=[picture.name] if picture else [])
    )


def remove(filename: str) -> None:
    """Deletes the file at once."""
    if filename:
        files.remove(filename.removesuffix(SUFFIX), "square")


def give_up(filename: str) -> None:
    """Deletes the picture after the commit."""
    if not filename:
        return
    if found := Picture.objects.filter(name=filename.removesuffix(SUFFIX)).first():
        pictures.release(pictures=[found])
    else:
        transaction.on_commit(lambda: remove(filename))


def _shown_squares(names: Collection[str]) -> set[str]:
    shown = User.objects.filter(picture__in=[name + SUFFIX for name in names])
    return {filename.removesuffix(SUFFIX) for filename in shown.values_list("picture", flat=True)}


def _shown_headers(names: Collection[str]) -> set[str]:
    return set(User.objects.filter(header_picture__in=names).values_list("header_picture", flat=True))


def tell_holders() -> None:
    """Which pictures people show, for the sweep."""
    holders.register(Shape.SQUARE, _shown_squares)
    holders.register(Shape.WIDE, _shown_headers)

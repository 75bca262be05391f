"""Profile pictures: squares of `apps.pictures`. A user's row has the name of the file below ``avatars/``.

Those from before `apps.pictures` have no row there, but their files have the same addresses.
"""

from django.core.files.storage import default_storage
from django.db import transaction

from apps.pictures import actions as pictures
from apps.pictures import files
from apps.pictures.models import Picture

SUFFIX = ".webp"


def url(filename: str) -> str:
    return default_storage.url(f"{files.SQUARES}/{filename}")


def read(filename: str) -> bytes | None:
    return files.read(filename.removesuffix(SUFFIX), "square")


def take(owner_id: int, picture: Picture | None) -> str:
    """Makes the waiting picture used, and returns the name for the user's row; "" for none."""
    return "".join(
        used.name + SUFFIX for used in pictures.use(owner=owner_id, names=[picture.name] if picture else [])
    )


def remove(filename: str) -> None:
    """Deletes the file at once."""
    files.remove(filename.removesuffix(SUFFIX), "square")


def give_up(filename: str) -> None:
    """Deletes the picture after the commit."""
    if not filename:
        return
    if found := Picture.objects.filter(name=filename.removesuffix(SUFFIX)).first():
        pictures.release(pictures=[found])
    else:
        transaction.on_commit(lambda: remove(filename))

"""Where the variants of a picture are, in Django's default storage, and their addresses."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from apps.pictures.decoder import SHAPES

FOLDER = "pictures"
SQUARES = "avatars"


class Stored(Protocol):
    @property
    def name(self) -> str: ...


class Urls(NamedTuple):
    """Addresses of a whole picture."""

    thumb: str
    list: str
    full: str


def path(name: str, variant: str) -> str:
    """A square has one variant, and the address that avatars always had."""
    if variant == "square":
        return f"{SQUARES}/{name}.webp"
    return f"{FOLDER}/{name[:2]}/{name}.{variant}.webp"


def url(name: str, variant: str) -> str:
    return default_storage.url(path(name, variant))


def urls(picture: Stored | str) -> Urls:
    """The addresses of a picture, or of one with that name."""
    name = picture if isinstance(picture, str) else picture.name
    return Urls(*(url(name, variant) for variant in Urls._fields))


def folders() -> Iterator[str]:
    yield SQUARES
    for number in range(256):
        yield f"{FOLDER}/{number:02x}"


def listed(folder: str) -> list[str]:
    """The paths of the files in a folder."""
    try:
        _folders, names = default_storage.listdir(folder)
    except FileNotFoundError:
        return []
    return [f"{folder}/{name}" for name in names]


def write(name: str, variants: dict[str, bytes]) -> None:
    for variant, content in variants.items():
        where = path(name, variant)
        # A storage gives another name to a file that is already there.
        if default_storage.save(where, ContentFile(content)) != where:
            raise FileExistsError(where)


def read(name: str, variant: str) -> bytes | None:
    try:
        with default_storage.open(path(name, variant)) as file:
            content: bytes = file.read()
    except OSError:
        return None
    return content


def remove(name: str, shape: str) -> None:
    """Deletes the files; those that are missing are no error."""
    for variant in SHAPES[shape]:
        default_storage.delete(path(name, variant.name))

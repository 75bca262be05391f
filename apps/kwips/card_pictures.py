"""A picture on a card, as the template reads it."""

from typing import NamedTuple

from django.conf import settings

from apps.pictures.files import Urls, urls

# Positions that the style sheet knows, by what is nearest: a page may have no style attributes.
_ACROSS, _DOWN = ("fl", "", "fr"), ("ft", "", "fb")


class CardPicture(NamedTuple):
    """The columns of `sql/cards.sql`."""

    name: str
    alt: str
    width: int
    height: int
    focal_x: int
    focal_y: int
    color: str
    is_animated: bool

    @property
    def urls(self) -> Urls:
        return urls(self.name)

    @property
    def absolute(self) -> str:
        """The whole address of the picture, for other sites and programs."""
        full = self.urls.full
        return full if "://" in full else settings.SITE_URL + full

    @property
    def focus(self) -> str:
        """The classes by which the style sheet keeps the right part in sight."""
        names = _ACROSS[_third(self.focal_x)], _DOWN[_third(self.focal_y)]
        return " ".join(filter(None, names))


def _third(position: int) -> int:
    return 0 if position < 34 else 2 if position > 66 else 1

"""Positions in a list, as text that can stand in an address."""

from __future__ import annotations

import binascii
import datetime
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass
from hashlib import blake2b
from operator import attrgetter

from django.http import Http404
from django.utils.translation import gettext as _

type Value = int | datetime.datetime
type Position = tuple[Value, ...]

VERSION = "1"
CHECK_BYTES = 3
LARGEST = 2**63 - 1
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
# Clocks differ a little; a position further ahead than this was made up.
_AHEAD = datetime.timedelta(days=1)
_END_OF_TIME = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)


class BadCursor(Http404):
    """The cursor is damaged, or of another list, order or version. Left alone it is a 404."""

    def __init__(self) -> None:
        super().__init__(_("that place in the list can't be found. its first page is still there."))


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order: ``name`` is the field's in a queryset and the attribute's of a row."""

    name: str
    is_moment: bool = False


def moment(name: str) -> Key:
    """The key of a column of times, which a cursor holds as microseconds."""
    return Key(name, is_moment=True)


@dataclass(frozen=True, slots=True)
class Listing:
    """A list in one order. The last key must tell all rows apart.

    A cursor of one listing is none of another's, so ``name`` holds whatever makes it another list
    ("person 7") or another order ("person 7, active").
    """

    name: str
    by: tuple[Key, ...] = (Key("id"),)
    oldest_first: bool = False

    @property
    def start(self) -> Position:
        """The position in front of the first row: every page is read by the same SQL."""
        if self.oldest_first:
            return tuple(_EPOCH if key.is_moment else 0 for key in self.by)
        return tuple(_END_OF_TIME if key.is_moment else LARGEST for key in self.by)

    def position_of(self, row: object) -> Position:
        """Where a row stands: its values of the keys."""
        return tuple(attrgetter(key.name.replace("__", "."))(row) for key in self.by)


def encode(listing: Listing, position: Position) -> str:
    """The cursor of a position. Raises ValueError for values that no row of the listing can have."""
    if len(position) != len(listing.by):
        raise ValueError(f"{listing.name} is ordered by {len(listing.by)} columns, not {len(position)}")
    values = b"".join(_varint(_number(value)) for value in position)
    packed = urlsafe_b64encode(_checksum(listing, values) + values)
    return VERSION + packed.decode("ascii").rstrip("=")


def decode(listing: Listing, text: str) -> Position:
    """The position that a cursor stands for. Raises `BadCursor`; nothing else, whatever the text."""
    if text[:1] != VERSION or len(text) > 64 or not text.isascii():
        raise BadCursor
    try:
        packed = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
    except binascii.Error:
        raise BadCursor from None
    check, values = packed[:CHECK_BYTES], packed[CHECK_BYTES:]
    if check != _checksum(listing, values):
        raise BadCursor
    position = tuple(
        _moment(number) if key.is_moment else number
        for key, number in zip(listing.by, _numbers(values, len(listing.by)), strict=True)
    )
    # One position has one text: caches keep no second copy of a page, and the decoder passes over characters
    # that are not of its alphabet.
    if encode(listing, position) != text:
        raise BadCursor
    return position


def _checksum(listing: Listing, values: bytes) -> bytes:
    return blake2b(listing.name.encode() + b"\0" + values, digest_size=CHECK_BYTES).digest()


def _number(value: Value) -> int:
    number = (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime.datetime) else value
    if not 0 <= number <= LARGEST:
        raise ValueError(f"{number} can't be in a cursor")
    return number


def _moment(microseconds: int) -> datetime.datetime:
    try:
        value = _EPOCH + microseconds * _MICROSECOND
    except OverflowError:
        raise BadCursor from None
    if value > datetime.datetime.now(datetime.UTC) + _AHEAD:
        raise BadCursor
    return value


def _varint(number: int) -> bytes:
    """Seven bits to a byte, the lowest first; the eighth says that more follow."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def _numbers(data: bytes, count: int) -> list[int]:
    numbers: list[int] = []
    number = shift = 0
    for byte in data:
        number |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            numbers.append(number)
            number = shift = 0
    if shift or len(numbers) != count or any(number > LARGEST for number in numbers):
        raise BadCursor
    return numbers

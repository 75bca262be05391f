"""The order of a list, and cursors: positions in it as text for an address."""

from __future__ import annotations

import binascii
import datetime
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, replace
from functools import cache
from hashlib import blake2b
from operator import attrgetter
from typing import NamedTuple

from django.http import Http404
from django.utils.translation import gettext as _

type Value = int | datetime.datetime
type Position = tuple[Value, ...]

VERSION = "2"
# Of a cursor that carries "as of".
VERSION_AS_OF = "3"
CHECK_BYTES = 3
# A cursor of three values in a page: one with "as of" changes with time, while nothing else of it does.
AS_OF_CURSOR = re.compile(rb"(?<![\w-])[23][\w-]{36}(?![\w-])")
LARGEST = 2**63 - 1
SMALLEST = -LARGEST
_EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
_MICROSECOND = datetime.timedelta(microseconds=1)
# Clocks differ a little; a timestamp further ahead was made up.
_AHEAD = datetime.timedelta(days=1)
_END_OF_TIME = datetime.datetime(9999, 12, 31, tzinfo=datetime.UTC)


class BadCursor(Http404):
    """The cursor is damaged, or of another list, order or version. Unhandled, it is a 404."""

    def __init__(self) -> None:
        super().__init__(
            _("The cursor is not valid for this list. Without it the address shows the first page.")
        )


@dataclass(frozen=True, slots=True)
class Key:
    """One column of an order: ``name`` is the field of a queryset and the attribute of a row."""

    name: str
    is_timestamp: bool = False


def timestamp(name: str) -> Key:
    """The key of a timestamp column, which a cursor stores in microseconds."""
    return Key(name, is_timestamp=True)


@dataclass(frozen=True, slots=True)
class KeysetOrder:
    """A list and its order. The keys together must be unique.

    A cursor is valid for one ``name`` only, so the name says which list ("person 7") in which order
    ("person 7, active").

    ``moves`` says that rows move up while the list is read (`apps.keyset.moving`): the first key is a
    timestamp that only grows, the newest is first, and ``read_at`` of a row is when it was read.
    """

    name: str
    keys: tuple[Key, ...] = (Key("id"),)
    oldest_first: bool = False
    moves: bool = False

    @property
    def start(self) -> Position:
        """The position before the first row: the first page is read by the same SQL as all others."""
        if self.oldest_first:
            return tuple(_EPOCH if key.is_timestamp else SMALLEST for key in self.keys)
        return tuple(_END_OF_TIME if key.is_timestamp else LARGEST for key in self.keys)

    @property
    def end(self) -> Position:
        """The position after the last row: the last page is read backward from it."""
        return replace(self, oldest_first=not self.oldest_first).start

    def position_of(self, row: object) -> Position:
        """The row's values of the keys."""
        return tuple([_getter(key.name)(row) for key in self.keys])


class Cursor(NamedTuple):
    """A position, and in a list that moves when the walk began; None in cursors of earlier releases."""

    position: Position
    as_of: datetime.datetime | None = None


def encode(order: KeysetOrder, position: Position, as_of: datetime.datetime | None = None) -> str:
    """The cursor of a position. Raises ValueError for values that no row of the list can have."""
    if len(position) != len(order.keys):
        raise ValueError(f"{order.name} is ordered by {len(order.keys)} columns, not {len(position)}")
    if as_of is not None and not order.moves:
        raise ValueError(f"{order.name} does not move")
    all_values = position if as_of is None else (*position, as_of)
    values = _layout(len(all_values)).pack(*map(_number, all_values))
    version = VERSION if as_of is None else VERSION_AS_OF
    return version + urlsafe_b64encode(_checksum(order, values) + values).decode("ascii").rstrip("=")


def decode(order: KeysetOrder, text: str) -> Position:
    """The position of a cursor. Raises `BadCursor` for any other text, and nothing else."""
    return decode_cursor(order, text).position


def decode_cursor(order: KeysetOrder, text: str) -> Cursor:
    """The position of a cursor and when its walk began. Raises `BadCursor` for any other text."""
    if len(text) > 64 or not text.isascii():
        raise BadCursor
    keys = order.keys
    if order.moves and text.startswith(VERSION_AS_OF):
        keys = (*keys, timestamp("as_of"))
    try:
        packed = urlsafe_b64decode(text[1:] + "=" * (-len(text[1:]) % 4))
        numbers = _layout(len(keys)).unpack(packed[CHECK_BYTES:])
        values = tuple(
            _timestamp(number) if key.is_timestamp else number
            for key, number in zip(keys, numbers, strict=True)
        )
        found = Cursor(values[: len(order.keys)], *values[len(order.keys) :])
        canonical = encode(order, *found)
    except (binascii.Error, struct.error, OverflowError, ValueError):
        raise BadCursor from None
    # Compares version and checksum too. One position has one text, or caches would store a page more than
    # once; base64 ignores characters outside of its alphabet.
    if canonical != text:
        raise BadCursor
    return found


@cache
def _getter(name: str) -> attrgetter[Value]:
    return attrgetter(name.replace("__", "."))


@cache
def _layout(keys: int) -> struct.Struct:
    """8 bytes for each key."""
    return struct.Struct(f">{keys}q")


def _checksum(order: KeysetOrder, values: bytes) -> bytes:
    return blake2b(order.name.encode() + b"\0" + values, digest_size=CHECK_BYTES).digest()


def _number(value: Value) -> int:
    is_timestamp = isinstance(value, datetime.datetime)
    number = (value - _EPOCH) // _MICROSECOND if isinstance(value, datetime.datetime) else value
    if not (0 if is_timestamp else SMALLEST) <= number <= LARGEST:
        raise ValueError(f"{number} can't be in a cursor")
    return number


def _timestamp(microseconds: int) -> datetime.datetime:
    value = _EPOCH + microseconds * _MICROSECOND
    if value > datetime.datetime.now(datetime.UTC) + _AHEAD:
        raise BadCursor
    return value

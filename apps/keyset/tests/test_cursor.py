"""Cursors: a position there and back, and no text that gives anything but a position or BadCursor."""

import datetime
import re
import struct
from base64 import urlsafe_b64encode

import pytest
from django.http import Http404
from hypothesis import assume, given
from hypothesis import strategies as st

from apps.keyset import BadCursor, Key, KeysetOrder, cursor, decode, encode, timestamp
from apps.keyset.cursor import Cursor, decode_cursor

PLAIN = KeysetOrder("everyone")
ACTIVE = KeysetOrder("everyone, active", keys=(timestamp("last_active_at"), Key("id")))
EPOCH = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)
NOW = datetime.datetime(2026, 11, 22, 12, 30, 15, 123_456, tzinfo=datetime.UTC)

ids = st.integers(-(2**63) + 1, 2**63 - 1)
timestamps = st.datetimes(
    datetime.datetime(1970, 1, 1), datetime.datetime(2026, 1, 1), timezones=st.just(datetime.UTC)
)


def packed(order: KeysetOrder, values: bytes) -> str:
    """A cursor as a forger would make it, who has read the code."""
    check = cursor._checksum(order, values)
    return cursor.VERSION + urlsafe_b64encode(check + values).decode().rstrip("=")


@given(ids)
def test_an_id_survives_encoding(value: int) -> None:
    assert decode(PLAIN, encode(PLAIN, (value,))) == (value,)


@given(timestamps, ids)
def test_a_timestamp_survives_encoding_to_the_microsecond(value: datetime.datetime, last: int) -> None:
    assert decode(ACTIVE, encode(ACTIVE, (value, last))) == (value, last)


@given(ids)
def test_a_cursor_needs_no_quoting_in_an_address(value: int) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]+", encode(PLAIN, (value,)))


def test_cursors_are_short() -> None:
    assert len(encode(PLAIN, (2_000_000,))) == 16
    assert len(encode(ACTIVE, (NOW, 2_000_000))) == 27


@given(st.text(max_size=80))
def test_any_text_is_a_bad_cursor_and_nothing_worse(text: str) -> None:
    with pytest.raises(BadCursor):
        decode(PLAIN, text)


@given(ids, st.data())
def test_a_damaged_cursor_is_refused_or_is_still_a_position(value: int, data: st.DataObject) -> None:
    whole = encode(PLAIN, (value,))
    place = data.draw(st.integers(0, len(whole) - 1))
    damaged = whole[:place] + data.draw(st.characters()) + whole[place + 1 :]
    assume(damaged != whole)
    try:
        (found,) = decode(PLAIN, damaged)
    except BadCursor:
        return
    # Three bytes of checksum let one in 16 million through: what comes out is a place in the list after all.
    assert isinstance(found, int)
    assert -(2**63) < found < 2**63


@pytest.mark.parametrize("extra", ["=", "A", "\n", " ", "!", "%00", "\x00", "é"])
def test_one_position_has_one_text(extra: str) -> None:
    with pytest.raises(BadCursor):
        decode(PLAIN, encode(PLAIN, (7,)) + extra)


def test_a_cursor_is_of_one_list() -> None:
    with pytest.raises(BadCursor):
        decode(KeysetOrder("network"), encode(PLAIN, (7,)))


def test_a_cursor_is_of_one_order() -> None:
    with pytest.raises(BadCursor):
        decode(ACTIVE, encode(PLAIN, (7,)))
    with pytest.raises(BadCursor):
        decode(PLAIN, encode(ACTIVE, (NOW, 7)))


@pytest.mark.parametrize("version", ["1", "3", ""])
def test_a_cursor_of_another_version_is_refused(version: str) -> None:
    with pytest.raises(BadCursor):
        decode(PLAIN, version + encode(PLAIN, (7,))[1:])


@pytest.mark.parametrize("number", [2**63, 2**64, 10**20])
def test_a_number_that_is_no_bigint_is_refused_before_sql(number: int) -> None:
    with pytest.raises(BadCursor):
        decode(PLAIN, packed(PLAIN, number.to_bytes(9)))
    with pytest.raises(ValueError, match="can't be in a cursor"):
        encode(PLAIN, (number,))


def test_a_time_before_1970_is_refused() -> None:
    with pytest.raises(BadCursor):
        decode(ACTIVE, packed(ACTIVE, struct.pack(">qq", -1, 7)))
    with pytest.raises(ValueError, match="can't be in a cursor"):
        encode(ACTIVE, (EPOCH - datetime.timedelta(seconds=1), 7))


@pytest.mark.parametrize(
    "values",
    [b"", b"\x07", struct.pack(">qq", 7, 7), b"\0" + struct.pack(">q", 7), b"\xff" * 9],
    ids=["none", "cut", "two", "padded", "long"],
)
def test_values_that_do_not_fit_the_list_are_refused(values: bytes) -> None:
    with pytest.raises(BadCursor):
        decode(PLAIN, packed(PLAIN, values))


@pytest.mark.parametrize("ahead", [datetime.timedelta(days=2), datetime.timedelta(days=100_000)])
def test_a_timestamp_in_the_future_is_refused(ahead: datetime.timedelta) -> None:
    with pytest.raises(BadCursor):
        decode(ACTIVE, encode(ACTIVE, (datetime.datetime.now(datetime.UTC) + ahead, 7)))


def test_a_timestamp_beyond_all_calendars_is_refused() -> None:
    values = struct.pack(">qq", 2**63 - 1, 7)
    with pytest.raises(BadCursor):
        decode(ACTIVE, packed(ACTIVE, values))


def test_a_position_has_as_many_values_as_the_order_has_columns() -> None:
    with pytest.raises(ValueError, match="ordered by 2 columns"):
        encode(ACTIVE, (7,))


def test_a_bad_cursor_is_a_page_not_found_that_says_so() -> None:
    with pytest.raises(Http404, match="first page"):
        decode(PLAIN, "nonsense")


MOVING = KeysetOrder("everyone, active", keys=ACTIVE.keys, moves=True)


@given(timestamps, ids, timestamps)
def test_a_cursor_of_a_list_that_moves_says_when_the_walk_began(
    value: datetime.datetime, last: int, as_of: datetime.datetime
) -> None:
    text = encode(MOVING, (value, last), as_of)
    assert decode_cursor(MOVING, text) == Cursor((value, last), as_of)
    assert decode(MOVING, text) == (value, last)
    assert len(text) == 37
    with pytest.raises(BadCursor):
        decode(ACTIVE, text)


def test_a_cursor_of_an_earlier_release_has_no_moment_and_is_valid() -> None:
    text = encode(ACTIVE, (NOW, 7))
    assert decode_cursor(MOVING, text) == Cursor((NOW, 7), None)
    assert encode(MOVING, (NOW, 7)) == text


@pytest.mark.parametrize("change", ["the version", "the moment", "the last byte"])
def test_a_cursor_with_a_changed_moment_is_refused(change: str) -> None:
    text, other = (encode(MOVING, (NOW, 7), NOW - datetime.timedelta(days=days)) for days in (1, 2))
    moment = text[:-12] + other[-12:]
    changed = {"the version": "2" + text[1:], "the moment": moment, "the last byte": text[:-1]}
    with pytest.raises(BadCursor):
        decode_cursor(MOVING, changed[change])


def test_a_moment_in_the_future_is_refused() -> None:
    ahead = datetime.datetime.now(datetime.UTC) + datetime.timedelta(days=2)
    with pytest.raises(BadCursor):
        decode_cursor(MOVING, encode(MOVING, (NOW, 7), ahead))


def test_a_list_that_does_not_move_takes_no_moment() -> None:
    with pytest.raises(ValueError, match="does not move"):
        encode(ACTIVE, (NOW, 7), NOW)

"""When a digest is due: time zones, weeks, and the nights on which clocks change."""

import datetime
from collections.abc import Iterator

import pytest

from apps.notifications.mail.slots import last_slot
from apps.notifications.models import Period

UTC = datetime.UTC
MINUTE = datetime.timedelta(minutes=1)


def at(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(text).replace(tzinfo=UTC)


def slot(now: datetime.datetime, zone: str = "", hour: int = 8, period: str = "daily") -> datetime.datetime:
    found = last_slot(now, time_zone=zone, hour=hour, period=period)
    assert found is not None
    return found


def slots(zone: str, hour: int, since: str, *, days: int, period: str = "daily") -> Iterator[str]:
    """The slots of these days, as times in UTC."""
    now, before = at(since), None
    for _ in range(days * 24 * 12):
        now += 5 * MINUTE
        found = slot(now, zone, hour, period)
        assert found <= now
        if found != before and before is not None:
            yield f"{found:%m-%d %H:%M}"
        before = found


@pytest.mark.parametrize(
    ("zone", "hour", "now", "expected"),
    [
        ("", 8, "2026-11-26 08:00", "2026-11-26 08:00"),
        ("", 8, "2026-11-26 07:59", "2026-11-25 08:00"),
        ("Asia/Kolkata", 8, "2026-11-26 02:30", "2026-11-26 02:30"),
        ("Asia/Kathmandu", 0, "2026-11-26 18:15", "2026-11-26 18:15"),
        ("America/Los_Angeles", 20, "2026-11-26 03:59", "2026-11-25 04:00"),
        ("Pacific/Kiritimati", 8, "2026-11-26 18:00", "2026-11-26 18:00"),
        ("Pacific/Pago_Pago", 23, "2026-11-26 10:00", "2026-11-26 10:00"),
        ("No/Such_Place", 8, "2026-11-26 08:30", "2026-11-26 08:00"),
        ("../etc/passwd", 8, "2026-11-26 08:30", "2026-11-26 08:00"),
    ],
)
def test_the_hour_is_that_of_the_persons_clock(zone: str, hour: int, now: str, expected: str) -> None:
    assert slot(at(now), zone, hour) == at(expected)


def test_what_was_not_chosen_has_a_default_and_never_is_never() -> None:
    now = at("2026-11-26 09:00")
    assert last_slot(now, time_zone=None, hour=None, period=None) == at("2026-11-26 08:00")
    assert last_slot(now, time_zone="UTC", hour=8, period=Period.NEVER) is None


def test_a_week_has_one_on_monday() -> None:
    found = list(slots("Europe/Berlin", 8, "2026-11-23 12:00", days=15, period="weekly"))
    assert found == ["11-30 07:00", "12-07 07:00"]


@pytest.mark.parametrize("hour", [1, 2, 3])
def test_each_day_has_one_when_the_clock_is_put_forward(hour: int) -> None:
    """On 29 March at 2:00 it is 3:00 in Berlin: half past two does not exist."""
    found = list(slots("Europe/Berlin", hour, "2026-03-27 12:00", days=4))
    expected = {
        1: ["03-28 00:00", "03-29 00:00", "03-29 23:00", "03-30 23:00"],
        2: ["03-28 01:00", "03-29 01:00", "03-30 00:00", "03-31 00:00"],
        3: ["03-28 02:00", "03-29 01:00", "03-30 01:00", "03-31 01:00"],
    }
    assert found == expected[hour]


@pytest.mark.parametrize("hour", [1, 2, 3])
def test_each_day_has_one_when_the_clock_is_put_back(hour: int) -> None:
    """On 25 October at 3:00 it is 2:00 again in Berlin: the hour from two to three comes twice."""
    found = list(slots("Europe/Berlin", hour, "2026-10-23 12:00", days=4))
    expected = {
        1: ["10-23 23:00", "10-24 23:00", "10-26 00:00", "10-27 00:00"],
        2: ["10-24 00:00", "10-25 00:00", "10-26 01:00", "10-27 01:00"],
        3: ["10-24 01:00", "10-25 02:00", "10-26 02:00", "10-27 02:00"],
    }
    assert found == expected[hour]

"""Dates and times of day in a zone: what clocks skip is refused, what comes twice is the first."""

import datetime
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from apps.drafts.moments import NoMoment, check, moment


def at(day: str, time: str, zone: str) -> str:
    found = moment(datetime.date.fromisoformat(day), datetime.time.fromisoformat(time), ZoneInfo(zone))
    return found.strftime("%Y-%m-%d %H:%M")


@pytest.mark.parametrize(
    ("day", "time", "zone", "utc"),
    [
        ("2026-12-24", "18:00", "UTC", "2026-12-24 18:00"),
        ("2026-12-24", "18:00", "Europe/Berlin", "2026-12-24 17:00"),
        ("2027-06-24", "18:00", "Europe/Berlin", "2027-06-24 16:00"),
        ("2026-12-24", "00:10", "Pacific/Auckland", "2026-12-23 11:10"),
        ("2026-12-24", "18:00", "Asia/Kolkata", "2026-12-24 12:30"),
        # The last minute before a change, and the first one after it.
        ("2027-03-28", "01:59", "Europe/Berlin", "2027-03-28 00:59"),
        ("2027-03-28", "03:00", "Europe/Berlin", "2027-03-28 01:00"),
        # An hour that comes twice: the first one.
        ("2027-10-31", "02:30", "Europe/Berlin", "2027-10-31 00:30"),
        ("2026-11-01", "01:30", "America/New_York", "2026-11-01 05:30"),
        ("2027-04-04", "01:45", "Australia/Lord_Howe", "2027-04-03 14:45"),
    ],
)
def test_a_time_of_day_is_that_of_the_zone(day: str, time: str, zone: str, utc: str) -> None:
    assert at(day, time, zone) == utc


@pytest.mark.parametrize(
    ("day", "time", "zone"),
    [
        ("2027-03-28", "02:00", "Europe/Berlin"),
        ("2027-03-28", "02:59", "Europe/Berlin"),
        ("2027-03-14", "02:30", "America/New_York"),
        ("2026-10-04", "02:15", "Australia/Lord_Howe"),  # a change of half an hour
        ("2011-12-30", "12:00", "Pacific/Apia"),  # a day that was left out
        ("0001-01-01", "00:00", "Asia/Kolkata"),
        ("9999-12-31", "23:59", "America/New_York"),
    ],
)
def test_what_clocks_skip_and_what_no_calendar_has_is_refused(day: str, time: str, zone: str) -> None:
    with pytest.raises(NoMoment):
        at(day, time, zone)


@pytest.mark.asvs("2.2.3")
@pytest.mark.parametrize(("days", "is_fine"), [(-1, False), (0, False), (1, True), (365, True), (367, False)])
def test_past_and_far_times_are_refused(days: int, is_fine: bool) -> None:
    when = timezone.now() + datetime.timedelta(days=days)
    if is_fine:
        check(when)
    else:
        with pytest.raises(NoMoment):
            check(when)

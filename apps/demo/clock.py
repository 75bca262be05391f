"""Times of events: more by day, more as the community grows. Moments are microseconds of Unix time."""

from bisect import bisect
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import accumulate
from random import Random

SECOND = 1_000_000
HOUR = 3_600 * SECOND
DAY = 24 * HOUR
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

# Relative activity by hour of the day (UTC), and by weekday from Monday.
_HOURS = (6, 4, 3, 2, 3, 6, 14, 26, 34, 32, 30, 31, 38, 36, 30, 28, 30, 36, 42, 48, 52, 46, 30, 14)
_WEEKDAYS = (1.0, 0.95, 0.95, 1.0, 1.05, 1.15, 1.2)
_PASSED = (0.0, *(hours / sum(_HOURS) for hours in accumulate(_HOURS)))


def microseconds(moment: datetime) -> int:
    return (moment - EPOCH) // timedelta(microseconds=1)


def stamp(moment: int) -> str:
    """The moment in ISO format."""
    return (EPOCH + timedelta(microseconds=moment)).isoformat()


def hour(moment: int) -> int:
    return moment // HOUR % 24


def weekday(moment: int) -> int:
    return (moment // DAY + 3) % 7  # 1970 began on a Thursday


def moments(count: int, *, since: int, until: int, chance: Random) -> Iterator[int]:
    """``count`` moments in order, from the day of ``since`` up to ``until``; one day at a time in memory."""
    first, last = since // DAY, until // DAY
    today = _passed(until % DAY)
    weights = [
        _WEEKDAYS[weekday(day * DAY)] * (0.6 + 0.8 * (day - first) / max(last - first, 1))
        for day in range(first, last + 1)
    ]
    weights[-1] *= today
    if not sum(weights):  # midnight of the first day
        weights[-1] = today = 1e-9
    done = 0
    for day, weight in zip(range(first, last + 1), accumulate(weights), strict=True):
        due = round(count * weight / sum(weights))
        limit = today if day == last else 1.0
        for fraction in sorted(chance.random() * limit for _ in range(due - done)):
            yield min(day * DAY + _time_of_day(fraction), until)
        done = due


def _passed(time_of_day: int) -> float:
    """The share of a day's activity before this time of day."""
    whole, rest = divmod(time_of_day, HOUR)
    return _PASSED[whole] + (_PASSED[whole + 1] - _PASSED[whole]) * rest / HOUR


def _time_of_day(passed: float) -> int:
    whole = min(bisect(_PASSED, passed), 24) - 1
    into = (passed - _PASSED[whole]) / (_PASSED[whole + 1] - _PASSED[whole])
    return min(int((whole + into) * HOUR), DAY - 1)


def awake(moment: int, chance: Random) -> int:
    """The moment, or some hours later if it is at night."""
    while chance.random() > _HOURS[hour(moment)] / 20:
        moment += int(chance.random() * 4 * HOUR)
    return moment

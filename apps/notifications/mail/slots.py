"""When a digest is due: at an hour of the person's own clock, each day or each Monday."""

import datetime

from apps.accounts.time_zones import zone
from apps.notifications.models import DIGEST_HOUR, Period

_DAY = datetime.timedelta(days=1)
_MONDAY = 0


def last_slot(
    now: datetime.datetime, *, time_zone: str | None, hour: int | None, period: str | None
) -> datetime.datetime | None:
    """The last moment up to ``now`` at which a digest was due; None if never.

    Each day has one: an hour that the clock skips begins when the clock was put forward, one that comes twice
    begins the first time. None stands for what the person did not choose.
    """
    if period == Period.NEVER:
        return None
    where = zone(time_zone or "")
    time = datetime.time(DIGEST_HOUR if hour is None else hour, tzinfo=where)
    day = now.astimezone(where).date()
    while True:
        # Compared in UTC: comparing local times ignores that an hour comes twice.
        slot = datetime.datetime.combine(day, time).astimezone(datetime.UTC)
        if slot <= now and (period != Period.WEEKLY or day.weekday() == _MONDAY):
            return slot
        day -= _DAY

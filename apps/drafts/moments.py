"""A date and a time of day in a time zone, as a moment."""

import datetime
from zoneinfo import ZoneInfo

from django.utils import timezone
from django.utils.translation import gettext as _

MOST_AHEAD = datetime.timedelta(days=366)


class NoMoment(Exception):
    """The message is for the person."""


def moment(day: datetime.date, time: datetime.time, zone: ZoneInfo) -> datetime.datetime:
    """The moment in UTC. Raises `NoMoment` for one that a change of clocks skips.

    Of an hour that comes twice it is the first.
    """
    local = datetime.datetime.combine(day, time.replace(fold=0, tzinfo=None))
    try:
        found = local.replace(tzinfo=zone).astimezone(datetime.UTC)
        back = found.astimezone(zone).replace(tzinfo=None)
    except OverflowError:
        raise NoMoment(_("that's more than a year away. say it sooner?")) from None
    if back != local:
        raise NoMoment(_("the clocks skip that hour that day. take one before or after it?"))
    return found


def check(when: datetime.datetime) -> None:
    """Raises `NoMoment` for what is past, and for what is far away."""
    now = timezone.now()
    if when <= now:
        raise NoMoment(_("that's past already. pick a time to come?"))
    if when > now + MOST_AHEAD:
        raise NoMoment(_("that's more than a year away. say it sooner?"))

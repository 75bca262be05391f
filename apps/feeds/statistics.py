"""When a person writes: the page of their kwips a month, a day of the week, an hour of the day.

It counts what everyone may see, for every viewer: it tells no one of kwips for followers. Its statement reads
a bounded number of kwips, by the index of the person's page.
"""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.dates import WEEKDAYS, WEEKDAYS_ABBR
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.views.decorators.http import require_safe

from apps.accounts.keys import PEOPLE, user_pages
from apps.accounts.queries import person as find_person
from apps.feeds.statements import SQL
from apps.feeds.views import canonical_redirect
from apps.kwips.visibility import ANYONE
from apps.pagecache import public_page
from apps.policy.keys import POLICY

MOST = 5_000  # kwips that the statement reads
MONTHS = 12
_STEP, _WIDTH, _HEIGHT = 20, 14, 100  # of a bar


class Bar(NamedTuple):
    name: str
    letter: str  # below the bar
    number: int
    x: int
    height: int

    @property
    def y(self) -> int:
        return _HEIGHT - self.height

    @property
    def middle(self) -> int:
        return self.x + _WIDTH // 2


@dataclass(frozen=True)
class Chart:
    id: str
    title: str
    bars: list[Bar]

    @property
    def width(self) -> int:
        return _STEP * len(self.bars)

    @property
    def most(self) -> Bar:
        return max(self.bars, key=lambda bar: bar.number)


@public_page(user_pages("{username}"), PEOPLE, POLICY)
@require_safe
def statistics(request: HttpRequest, username: str) -> HttpResponse:
    who = find_person(username)
    if moved := canonical_redirect(request, f"/{who.username}/statistics/"):
        return moved
    found = charts(who.pk)
    total = sum(bar.number for bar in found[0].bars)
    return render(
        request, "feeds/statistics.html", {"person": who, "charts": found, "total": total, "most": MOST}
    )


def charts(person_id: int) -> list[Chart]:
    """By month, by day of the week, by hour (UTC)."""
    months, weekdays, hours = _counted(person_id)
    return [
        _chart("months", _("kwips a month"), [(*_month(it), months.get(it, 0)) for it in _last_months()]),
        _chart(
            "weekdays",
            _("by day of the week"),
            [(str(WEEKDAYS[n]), str(WEEKDAYS_ABBR[n]), weekdays.get(n + 1, 0)) for n in range(7)],
        ),
        _chart(
            "hours",
            _("by hour of the day, world time (UTC)"),
            [(f"{n:02}:00", "" if n % 3 else str(n), hours.get(n, 0)) for n in range(24)],
        ),
    ]


def _counted(person_id: int) -> tuple[Mapping[datetime.date, int], Mapping[int, int], Mapping[int, int]]:
    months: dict[datetime.date, int] = {}
    weekdays: dict[int, int] = {}
    hours: dict[int, int] = {}
    with connection.cursor() as cursor:
        parameters = {"person": person_id, "viewer": ANYONE, "most": MOST}
        SQL.statement("statistics").execute_prepared(cursor, parameters)
        for month, weekday, hour, number in cursor.fetchall():
            if month is not None:
                months[month] = number
            elif weekday is not None:
                weekdays[weekday] = number
            else:
                hours[hour] = number
    return months, weekdays, hours


def _last_months() -> list[datetime.date]:
    """The first days of the last twelve months, the oldest first."""
    now = timezone.now()
    number = now.year * 12 + now.month - 1
    return [datetime.date(n // 12, n % 12 + 1, 1) for n in range(number - MONTHS + 1, number + 1)]


def _month(first: datetime.date) -> tuple[str, str]:
    return date_format(first, "F Y"), date_format(first, "M")


def _chart(id_: str, title: str, rows: Sequence[tuple[str, str, int]]) -> Chart:
    most = max(1, *(number for _, _, number in rows))
    bars = [
        # A single kwip among thousands is seen, too.
        Bar(name, letter, number, at * _STEP, max(2, round(number * _HEIGHT / most)) if number else 0)
        for at, (name, letter, number) in enumerate(rows)
    ]
    return Chart(id_, title, bars)

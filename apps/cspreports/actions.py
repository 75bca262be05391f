"""Counts violations by kind."""

import datetime
from collections import Counter
from collections.abc import Iterable

from django.db import transaction
from django.db.models import F
from django.db.models.functions import Now

from apps.cspreports.models import Violation
from apps.cspreports.parsing import Kind

MOST = 200
DAYS = 30
# A kind that came later takes the place of one that is older, and was reported least.
KEPT = datetime.timedelta(hours=1)
OTHERS = Kind("", "", "")


def count(*, kinds: Iterable[Kind]) -> None:
    """Counts each. Only the first of a kind adds a row, of which there are at most `MOST`."""
    for kind, number in sorted(Counter(kinds).items()):
        with transaction.atomic():
            if not _add(kind, number):
                _begin(kind, number)


def _add(kind: Kind, number: int) -> bool:
    """Adds to the row of a kind; returns whether there is one."""
    rows = Violation.objects.filter(**kind._asdict())
    return bool(rows.update(count=F("count") + number, last_at=Now()))


def _begin(kind: Kind, number: int) -> None:
    """Adds a row. The lock of the row of others lets one at a time do it: the number of rows is exact."""
    Violation.objects.get_or_create(**OTHERS._asdict())
    Violation.objects.select_for_update().get(**OTHERS._asdict())
    named = Violation.objects.exclude(directive="")
    named.filter(last_at__lt=Now() - datetime.timedelta(days=DAYS)).delete()
    if _add(kind, number):
        return  # it was added while this waited
    if named.count() < MOST or _make_room():
        Violation.objects.create(**kind._asdict(), count=number)
    else:
        _add(OTHERS, number)


def _make_room() -> bool:
    """Counts the kind of the fewest reports among the others. Returns whether one is older than `KEPT`.

    Otherwise a client that invents `MOST` kinds hides all that come later.
    """
    old = Violation.objects.exclude(directive="").filter(first_at__lt=Now() - KEPT)
    least = old.select_for_update().order_by("count", "last_at").first()
    if least is None:
        return False
    least.delete()
    _add(OTHERS, least.count)
    return True

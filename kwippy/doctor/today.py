"""The figures of `manage.py sitestatus`: mail that waits, what nginx's log says of today, who signed up."""

import datetime
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from django.utils import timezone

from apps.accounts.models import SignUp, User
from apps.commandqueue.core import store
from apps.commandqueue.models import State
from apps.cspreports.queries import summary
from kwippy.doctor.report import one_line
from kwippy.doctor.services import reason

SIGN_IN = "/accounts/login/"
# Kinds of addresses that are named.
NAMED = 4
# Kinds that are counted apart; the rest is "other".
MOST_KINDS = 200


@dataclass
class Traffic:
    """What nginx has answered since a time."""

    since: str = ""
    requests: int = 0
    failures: int = 0
    failed_sign_ins: int = 0
    limited: Counter[str] = field(default_factory=Counter)


def traffic(lines: Iterable[str]) -> Traffic:
    """Counts lines of nginx's log; what is not one is left out."""
    seen = Traffic()
    for line in lines:
        try:
            entry = json.loads(line)
            status, method, path = int(entry["status"]), str(entry["method"]), str(entry["path"])
        except (ValueError, KeyError, TypeError):
            continue
        seen.since = seen.since or str(entry.get("timestamp", ""))[:40]
        seen.requests += 1
        seen.failures += status >= 500
        # The form again; who has signed in is redirected.
        seen.failed_sign_ins += method == "POST" and path.startswith(SIGN_IN) and status == 200
        if status == 429:
            kind = "/".join(path.split("/")[:3])[:60]
            seen.limited[kind if kind in seen.limited or len(seen.limited) < MOST_KINDS else "other"] += 1
    return seen


def of_traffic(seen: Traffic) -> Iterator[str]:
    if not seen.requests:
        yield "requests     no line of nginx's log of today was given (deploy/status gives it)"
        return
    yield f"requests     {seen.requests:,} since {one_line(seen.since)}, {seen.failures:,} errors (5xx)"
    named = ", ".join(f"{one_line(kind)} {count:,}" for kind, count in seen.limited.most_common(NAMED))
    limits = f"{seen.limited.total():,} requests met a limit" + (f" ({named})" if named else "")
    yield f"refused      {seen.failed_sign_ins:,} failed sign-ins, {limits}"


def of_mail() -> Iterator[str]:
    """What waits in the queue, and why."""
    waiting = dead = stuck = 0
    oldest = 0.0
    for row in store.status():
        if row.state == State.DEAD:
            dead += row.count
        elif row.state == State.WAITING:
            waiting, stuck, oldest = waiting + row.count, stuck + row.stuck, max(oldest, row.age)
    why = f": {one_line(reason())}" if stuck else ""
    yield f"mail, tasks  {waiting:,} wait, {stuck:,} stuck, the oldest for {oldest:,.0f} s{why}"
    for name in sorted(store.paused()):
        yield f"             {name} is paused by an operator"
    for name, pace in sorted(store.paces().items()):
        yield f"             {name} has a pace of {pace:,} a second"
    if dead:
        yield f"             {dead:,} dead letters: manage.py queue status"


def of_people() -> Iterator[str]:
    """Since midnight, in the site's time zone."""
    midnight = timezone.localtime().replace(hour=0, minute=0, second=0, microsecond=0)
    day = datetime.timedelta(days=1)
    joined = User.objects.filter(joined_at__gte=midnight).count()
    before = User.objects.filter(joined_at__gte=midnight - day, joined_at__lt=midnight).count()
    asked = SignUp.objects.filter(asked_at__gte=midnight).count()
    yield f"sign-ups     {joined:,} today ({before:,} yesterday), {asked:,} asked for a link"


def of_reports() -> Iterator[str]:
    """What browsers stopped on pages."""
    found = summary()
    if not found.reports:
        yield "page policy  no browser reported a violation"
        return
    newest = found.newest and one_line(
        f"{found.newest.directive} {found.newest.blocked} on {found.newest.page}"
    )
    last = f"; the last: {newest}" if newest else ""
    yield f"page policy  {found.kinds:,} kinds of violations, {found.reports:,} reports{last}"

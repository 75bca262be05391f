"""Checks of the settings and the services: PostgreSQL, memcached, the command queue."""

import datetime
from collections.abc import Iterator

from django.conf import settings
from django.core import checks
from django.db import Error, connection
from django.utils import timezone

from apps import lookaside
from apps.accounts import sign_up_rate
from apps.cachewatch.models import Watched
from apps.commandqueue.core import store
from apps.commandqueue.core.outcomes import loggable
from apps.commandqueue.models import State
from apps.moderation import factor_duty
from apps.policy.queries import current as current_policy
from kwippy.doctor.report import Finding, not_checked, ok, warn, wrong

# Sign-up mail is in "now".
LATE = {"now": 300, "default": 3600, "bulk": 6 * 3600}
MOST_STUCK = 20
# The most frequent recurring task is due every 300 s.
SCHEDULE_LATE = 1800
# PostgreSQL stops at 2,100,000,000 transactions without a vacuum.
OLDEST_TRANSACTION_IDS = 1_000_000_000
LONG_TRANSACTION = 600
# How long a stale entry is spoken of.
STALE_LATELY = datetime.timedelta(days=1)

STATE = """
SELECT pg_is_in_recovery(), current_setting('transaction_read_only')::boolean,
    current_setting('max_connections')::int,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
    (SELECT max(age(datfrozenxid)) FROM pg_database),
    (SELECT count(*) FROM pg_index WHERE NOT indisvalid),
    (SELECT extract(epoch FROM max(clock_timestamp() - xact_start)) FROM pg_stat_activity
        WHERE pid <> pg_backend_pid() AND backend_type = 'client backend')
"""
SCHEDULE = """
SELECT extract(epoch FROM statement_timestamp() - min(next_at)) FROM commandqueue_schedule WHERE enabled
"""


def configuration() -> Iterator[Finding]:
    """`manage.py check --deploy`."""
    found = checks.run_checks(include_deployment_checks=True)
    found = [message for message in found if not message.is_silenced()]
    for message in found:
        if message.level >= checks.ERROR:
            mend = str(message.hint or "correct it in .env")
            yield wrong("settings", f"{message.id}: {message.msg}", mend, blocks=True)
        elif message.level >= checks.WARNING and str(message.id).startswith("kwippy."):
            yield warn(
                "settings", f"{message.id}: {message.msg}", str(message.hint or "see docs/settings.md")
            )
    if not any(message.level >= checks.ERROR for message in found):
        yield ok("settings", "no error; `manage.py check --deploy` has more")


def database() -> Iterator[Finding]:
    """PostgreSQL answers, takes writes, and is not about to stop."""
    with connection.cursor() as cursor:
        cursor.execute(STATE)
        recovering, read_only, room, connections, oldest, invalid, longest = cursor.fetchone()
    if recovering or read_only:
        why = "it is still recovering, or a replica" if recovering else "it takes no writes"
        yield wrong(
            "postgresql", why, "wait, or point DATABASE_HOST at the server that takes writes", blocks=True
        )
        return
    if connections > 0.9 * room:
        mend = "more processes than connections: fewer WEB_WORKERS, or PgBouncer (docs/scaling.md)"
        yield wrong("postgresql", f"{connections} of {room} connections are taken", mend)
    if oldest > OLDEST_TRANSACTION_IDS:
        mend = "docker-compose exec postgres vacuumdb -U postgres --all --freeze"
        yield wrong("postgresql", f"{oldest:,} transactions without a full vacuum", mend)
    if invalid:
        mend = "DROP INDEX, and run the migration that makes it again (\\d shows INVALID)"
        yield warn("postgresql", f"{invalid} indexes are invalid", mend)
    if longest and longest > LONG_TRANSACTION:
        mend = "an upgrade's migration may wait for it in vain: see pg_stat_activity"
        yield warn("postgresql", f"a transaction is open for {longest:,.0f} s", mend)
    yield ok("postgresql", f"answers and takes writes; {connections} of {room} connections")


def memcached() -> Iterator[Finding]:
    if not settings.MEMCACHED_SERVERS:
        yield not_checked("memcached", "MEMCACHED_SERVERS is empty")
    elif lookaside.cache().invalidate(["readyz"], retrying=True):
        servers = ", ".join(settings.MEMCACHED_SERVERS)
        mend = "docker-compose up -d memcached; until then the site is slower"
        yield wrong("memcached", f"{servers} does not answer", mend)
    else:
        yield ok("memcached", "answers")


def caches() -> Iterator[Finding]:
    """What the watch on the caches (`apps.cachewatch`) found of late."""
    rows = list(Watched.objects.order_by("kind"))
    if not rows:
        yield not_checked("caches", "the task `watch the caches` has not run yet")
        return
    since = timezone.now() - STALE_LATELY
    stale = [row for row in rows if row.last_stale_at is not None and row.last_stale_at > since]
    for row in stale:
        text = (
            f"a cached {row.kind} was stale at {row.last_stale_at:%Y-%m-%d %H:%M} UTC; {row.stale:,} in all"
        )
        yield warn(
            "caches", text, "the log of worker has its key (`a cached entry is stale`); report it to kwippy"
        )
    if not stale:
        yield ok("caches", f"{sum(row.looked_at for row in rows):,} entries compared, none stale for a day")


def second_factors() -> Iterator[Finding]:
    """Operators and moderators without one (`apps.moderation.factor_duty`)."""
    names = factor_duty.without_factor()
    if names:
        mend = "they set one up at /accounts/2fa/; their pages close after STAFF_FACTOR_DAYS"
        yield warn(
            "factors", f"{len(names):,} with a role and no second factor: {', '.join(names[:5])}", mend
        )
    else:
        yield ok("factors", "everyone with a role has a second factor")


def queue() -> Iterator[Finding]:
    """The ages of the queues, dead letters, and whether a worker runs at all."""
    rows = store.status()
    paused = store.paused()
    fine = not paused
    for name in sorted(paused):
        waiting = sum(row.count for row in rows if row.queue_name == name and row.state == State.WAITING)
        mend = "resume it at /admin/commandqueue/queuecontrol/"
        yield warn("queue", f"an operator has paused {name}: {waiting:,} wait", mend)
    for row in rows:
        if row.state == State.DEAD:
            fine = False
            mend = "manage.py queue status, then /admin/: requeue or delete them"
            yield warn("queue", f"{row.count:,} dead letters in {row.queue_name}", mend)
        elif (row.state == State.WAITING and row.queue_name not in paused) and (
            row.age > LATE.get(row.queue_name, 3600) or row.stuck > MOST_STUCK
        ):
            fine = False
            text = (
                f"{row.queue_name}: {row.count:,} wait, {row.stuck:,} stuck, the oldest for {row.age:,.0f} s"
            )
            yield wrong("queue", f"{text}: {reason()}", _way_out(row.queue_name))
    with connection.cursor() as cursor:
        cursor.execute(SCHEDULE)
        late = cursor.fetchone()[0]
    if late is not None and late > SCHEDULE_LATE:
        fine = False
        text = f"a recurring task is due for {late:,.0f} s"
        yield wrong("worker", text, "docker-compose up -d worker; its log says why it does not work")
    if fine:
        waiting = sum(row.count for row in rows if row.state == State.WAITING)
        yield ok("queue", f"{waiting:,} wait, none for too long")


def _way_out(queue_name: str) -> str:
    """What helps a queue that is late. Codes for signing in are in "now"."""
    mend = "manage.py queue status; is the worker up?"
    if queue_name == "now" and settings.CODE_FOR_UNKNOWN_BROWSERS:
        mend += " Until then people get into new browsers by `manage.py resetlink NAME` alone"
    return mend


def sign_ups() -> Iterator[Finding]:
    """How many people sign up, and whether the site is under attack. Far more than usual are a warning."""
    try:
        rate, policy = sign_up_rate.now(), current_policy()
    except Error:
        yield not_checked("sign-up rate", "PostgreSQL does not answer")
        return
    text = f"{rate.last_hour:,} in the last hour, usually {rate.usual:,.1f}"
    if policy.is_under_attack:
        yield ok(
            "sign-up rate", f"{text}; under attack until {policy.attack_until[:16].replace('T', ' ')} UTC"
        )
    elif rate.is_a_jump:
        yield warn(
            "sign-up rate", text, "if it is an attack: manage.py underattack 24, or /admin/, site policy"
        )
    else:
        yield ok("sign-up rate", text)


def reason() -> str:
    """Why the oldest stuck command waits, without addresses of people."""
    for command in store.stuck(limit=1):
        return loggable(command.error) if command.error else "no worker has started it"
    return "no worker has started them"

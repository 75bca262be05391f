"""Digests: a recurring command composes those that are due, person by person."""

import datetime
from typing import NamedTuple

from django.db import connection, transaction
from django.tasks import task
from django.utils import timezone

from apps.accounts import languages
from apps.kwips.models import Track
from apps.notifications import queries
from apps.notifications.mail import addressee, mails, unreturned
from apps.notifications.mail.now import for_each
from apps.notifications.mail.slots import last_slot
from apps.notifications.registry import Channel
from apps.notifications.statements import SQL

BATCH = 500  # people of one statement
MAX_DIGESTS = 1_000  # of one command: far less than its time limit; another command continues


class Waiting(NamedTuple):
    """A person, since when their oldest notice waits, and what they chose."""

    person_id: int
    since: datetime.datetime
    period: str | None
    hour: int | None
    time_zone: str | None

    def is_due(self, now: datetime.datetime) -> bool:
        """Whether their hour has struck since."""
        slot = last_slot(now, time_zone=self.time_zone, hour=self.hour, period=self.period)
        return slot is not None and self.since < slot


@task(queue_name="bulk")
def send_due(after: int = 0) -> int:
    """Sends the digests that are due to people after ``after``; returns how many.

    A digest that fails is logged, and is due again at the next turn.
    """
    now, sent = timezone.now(), 0
    while waiting := _waiting(after):
        after = waiting[-1].person_id
        sent += for_each(_send, (one.person_id for one in waiting if one.is_due(now)))[0]
        if sent >= MAX_DIGESTS:
            send_due.enqueue(after)
            break
    return sent


def _waiting(after: int) -> list[Waiting]:
    with connection.cursor() as cursor:
        SQL.statement("waiting").execute_prepared(cursor, {"after": after, "limit": BATCH})
        return [Waiting(*row) for row in cursor.fetchall()]


@transaction.atomic
def _send(person_id: int) -> bool:
    locked = unreturned.lock_all(person_id=person_id)
    waiting = [one for one in locked if one.channel == Channel.DIGEST and one.is_unseen]
    to = addressee.find(person_id)
    if not waiting or (to is not None and not to.has_digest):
        return False
    silent = _silent(person_id, locked)
    ids = [
        one.id
        for one in waiting
        if to is not None
        and one.thread_id not in silent
        and to.channel(one.kind) in (Channel.DIGEST, Channel.MAIL)
    ]
    groups = queries.selected(viewer_id=person_id, ids=ids) if ids else []
    shown = {group.thread_id for group in groups}
    sent = {one.id for one in waiting if one.id in ids and one.thread_id in shown}
    unreturned.mark(sent, Channel.SENT)
    unreturned.mark({one.id for one in waiting} - sent, Channel.SITE)
    if to is not None and groups:
        with languages.of(to):
            mails.of_digest(person_id, to.email, groups, newest=max(ids), number=len(ids)).send()
    return bool(groups)


def _silent(person_id: int, locked: list[unreturned.Unreturned]) -> set[int]:
    """The conversations that were mailed and not returned to, and those that the person stopped to track."""
    threads = {one.thread_id for one in locked if one.thread_id is not None}
    mailed = {one.thread_id for one in locked if one.channel == Channel.SENT and one.thread_id is not None}
    stopped = Track.objects.filter(user_id=person_id, kwip_id__in=threads, is_on=False)
    return mailed | set(stopped.values_list("kwip_id", flat=True))

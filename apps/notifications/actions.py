"""Writes of notices, within the event's transaction; for many recipients, by a command.

New kwips and comments write theirs in their own statement (`statements.join_new_kwips`).
"""

from collections.abc import Collection
from itertools import batched
from typing import Any

from django.conf import settings
from django.db import connection, transaction
from django.tasks import task
from django.utils import timezone

from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.invalidation import invalidate
from apps.kwips.models import Kwip
from apps.notifications.events import emit_new
from apps.notifications.models import OperatorMessage
from apps.notifications.registry import KINDS, Draft, Kind
from apps.notifications.statements import INLINE, SQL

BATCH = 1_000  # recipients of one statement of a command
MAX_NOTICES = 500  # notices of one person


def notify(*, kind: Kind, draft: Draft) -> None:
    """Notifies the recipients of the draft."""
    if len(draft.recipients) <= INLINE:
        _notify(kind, draft)
    else:
        for people in batched(sorted(draft.recipients), BATCH):
            notify_many.enqueue(kind.name, list(people), *draft[1:])


@transaction.atomic
def write_to_members(*, message: OperatorMessage, recipients: Collection[int] | None) -> None:
    """Stores an operator's message and notifies each recipient once; None for all active members.

    Raises IntegrityError if its form was sent before.
    """
    message.save(force_insert=True)
    if recipients is None:
        notify_all_members.enqueue(message.pk)
    else:
        notify(kind=KINDS["operator"], draft=Draft(recipients, subject=message.pk))


@task(queue_name="default")
def notify_all_members(message_id: int, after: int = 0) -> None:
    """Notifies a batch of active members, and enqueues the next. Repeating it changes nothing."""
    members = User.objects.filter(pk__gt=after, is_active=True).order_by("pk").values_list("pk", flat=True)
    with transaction.atomic():
        batch = list(members[:BATCH])
        if batch and OperatorMessage.objects.filter(pk=message_id).exists():
            _notify(KINDS["operator"], Draft(batch, subject=message_id))
            notify_all_members.enqueue(message_id, batch[-1])


@task(queue_name="default")
def notify_many(kind: str, recipients: list[int], *about: Any) -> None:
    """Notifies many people of a `Draft`. A second run changes nothing, unless the kind is repeated."""
    with transaction.atomic():
        _notify(KINDS[kind], Draft(recipients, *about))


def _notify(kind: Kind, draft: Draft) -> None:
    group = f"kwip {draft.thread_id}" if draft.thread_id else f"{kind.name} {timezone.now():%Y-%m-%d}"
    parameters = {
        "kind": kind.name,
        "recipients": list(draft.recipients),
        "actor": draft.actor_id,
        "subject": draft.subject,
        "thread": draft.thread_id,
        "kwip": draft.kwip_id,
        "grouping": group,
        "channel": kind.channel,
        "repeated": kind.is_repeated,
    }
    [(new,)] = _rows("notify", parameters)
    emit_new(new)


def notify_mentions(*, kwip: Kwip) -> None:
    """Notifies those mentioned in an edited kwip or comment, unless they have a notice of it."""
    if "@" in kwip.text or "＠" in kwip.text:
        notify_mentioned.func(kwip.pk)


@task(queue_name="default")
def notify_mentioned(kwip_id: int) -> None:
    """Notifies those mentioned in a kwip or comment, at most a hundred. Repeating it changes nothing."""
    with transaction.atomic():
        [(new,)] = _rows("mentioned", {"kwip": kwip_id})
        emit_new(new)


@task(queue_name="default")
def notify_commented(comment_id: int, thread_id: int) -> None:
    """Notifies those mentioned in a comment, and those who track its conversation, in batches.

    A person who opens the conversation after the comment, and before the command, is notified too.
    """
    found, after = BATCH, 0
    while found == BATCH:
        parameters = {"comment": comment_id, "thread": thread_id, "after": after, "limit": BATCH}
        with transaction.atomic():
            [(found, last, new)] = _rows("commented", parameters)
            emit_new(new)
        after = last or after


def visit(*, user: User, thread_id: int) -> None:
    """The user opens a conversation: its notices are seen, and its next comment notifies."""
    parameters = {"viewer": user.pk, "thread": thread_id}
    [(is_news,)] = _rows("to_visit", parameters)
    if not is_news:
        return
    with transaction.atomic():
        [(changed, is_unread)] = _rows("visited", parameters)
        if changed:
            user.unread = is_unread
            invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def see_messages(*, user: User, sender_id: int) -> None:
    """The user reads the messages of a person: their notice is seen."""
    [(changed, is_unread)] = _rows("messages_read", {"viewer": user.pk, "sender": sender_id})
    if changed:
        user.unread = is_unread
        invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def mark_seen(*, user: User) -> list[int]:
    """The user opens the list. Returns the ids of the notices that were unseen."""
    seen = [pk for (pk,) in _rows("seen", {"viewer": user.pk})]
    user.unread = False  # in the frame of this page
    if seen:
        invalidate(cache=[user_key(user.pk)])
    return seen


@transaction.atomic
def clear(*, user: User, newest: int) -> None:
    """The user removes all notices up to ``newest`` from the list."""
    if _rows("clear", {"viewer": user.pk, "newest": newest}):
        invalidate(cache=[user_key(user.pk)])


@transaction.atomic
def delete(*, kwips: Collection[Kwip]) -> None:
    """Deletes the notices of deleted kwips and comments."""
    ids, threads = [kwip.pk for kwip in kwips], {kwip.thread_id or kwip.pk for kwip in kwips}
    rows = _rows("deleted", {"kwips": ids, "threads": sorted(threads)})
    invalidate(cache=[user_key(recipient) for (recipient,) in rows])


def sweep() -> int:
    """Deletes old notices, and each person's beyond the newest `MAX_NOTICES`; returns how many."""
    swept, after = 0, 0
    parameters = {"days": settings.NOTICE_DAYS, "most": MAX_NOTICES, "people": 500, "limit": 5_000}
    while True:
        with transaction.atomic():
            [(last, number, unseen)] = _rows("sweep", parameters | {"after": after})
            invalidate(cache=map(user_key, unseen))
        swept += number
        if last is None:
            return swept
        if number < parameters["limit"]:
            after = last


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        SQL.statement(statement).execute_prepared(cursor, parameters)
        return cursor.fetchall()

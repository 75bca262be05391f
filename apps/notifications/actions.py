"""Writes of notices: one statement within the event's transaction; for many recipients, a command."""

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
from apps.notifications.events import NewNotice, Notified, notified
from apps.notifications.registry import KINDS, Draft, Kind
from apps.notifications.statements import SQL

INLINE = 100  # recipients of one action; more are notified by a command
BATCH = 1_000  # recipients of one statement of a command
MAX_NOTICES = 500  # notices of one person


def notify(*, kind: Kind, draft: Draft) -> None:
    """Notifies the recipients of the draft."""
    if len(draft.recipients) <= INLINE:
        _notify(kind, draft)
    else:
        for people in batched(sorted(draft.recipients), BATCH):
            notify_many.enqueue(kind.name, list(people), *draft[1:])


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
        "waiting": False,
        "repeated": kind.is_repeated,
    }
    _emit([NewNotice(*row) for row in _rows("notify", parameters)])


def notify_mentions(*, kwip: Kwip) -> None:
    """Notifies those mentioned in the kwip or comment, each once, whatever is edited later."""
    if "@" in kwip.text or "＠" in kwip.text:
        _emit([NewNotice(*row) for row in _rows("mentioned", {"kwip": kwip.pk})])


def notify_comment(*, comment: Kwip, thread_id: int) -> None:
    """Notifies those mentioned in a comment, and those who track its conversation."""
    found, _ = _notify_comment(comment.pk, thread_id, limit=INLINE + 1, most=INLINE)
    if found > INLINE:
        notify_trackers.enqueue(comment.pk, thread_id)


@task(queue_name="default")
def notify_trackers(comment_id: int, thread_id: int, after: int = 0) -> None:
    """Notifies many who track the conversation of a comment, in batches.

    A person who opens the conversation after the comment, and before the command, is notified too.
    """
    found = BATCH
    while found == BATCH:
        with transaction.atomic():
            found, after = _notify_comment(comment_id, thread_id, limit=BATCH, most=BATCH, after=after)


def _notify_comment(
    comment_id: int, thread_id: int, *, limit: int, most: int, after: int = 0
) -> tuple[int, int]:
    """Returns how many people who track it were found after ``after``, and the last of them."""
    parameters = {"comment": comment_id, "thread": thread_id, "after": after, "limit": limit, "most": most}
    [(found, last, ids, recipients, kinds)] = _rows("commented", parameters)
    _emit([NewNotice(*row) for row in zip(ids, recipients, kinds, strict=True)])
    return found, last or after


def _emit(notices: Collection[NewNotice]) -> None:
    """The cached users have the unread mark: only the recipients' entries are invalidated."""
    if notices:
        invalidate(cache=[user_key(notice.recipient_id) for notice in notices])
        notified.emit(Notified(notices))


def visit(*, user: User, thread_id: int) -> None:
    """The user opens a conversation: its notices are seen, and its next comment notifies."""
    [(changed, is_unread)] = _rows("visited", {"viewer": user.pk, "thread": thread_id})
    if changed:
        user.unread = is_unread
        invalidate(cache=[user_key(user.pk)])


def mark_seen(*, user: User) -> list[int]:
    """The user opens the list. Returns the ids of the notices that were unseen."""
    seen = [pk for (pk,) in _rows("seen", {"viewer": user.pk})]
    user.unread = False  # in the frame of this page
    if seen:
        invalidate(cache=[user_key(user.pk)])
    return seen


def clear(*, user: User, newest: int) -> None:
    """The user removes all notices up to ``newest`` from the list."""
    if _rows("clear", {"viewer": user.pk, "newest": newest}):
        invalidate(cache=[user_key(user.pk)])


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

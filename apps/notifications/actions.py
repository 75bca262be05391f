"""Writes of notices. Telling is one statement within the event's transaction; for many people, a command."""

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
from apps.notifications.events import Noticed, Told, noticed
from apps.notifications.registry import KINDS, Draft, Kind
from apps.notifications.statements import SQL

AT_ONCE = 100  # people whom one action tells itself; more are told by a command
BATCH = 1_000  # people whom one statement of a command tells
KEPT = 500  # notices of one person


def tell(*, kind: Kind, draft: Draft) -> None:
    """Tells a fact to the recipients of the draft."""
    if len(draft.recipients) <= AT_ONCE:
        _tell(kind, draft)
    else:
        for people in batched(sorted(draft.recipients), BATCH):
            tell_many.enqueue(kind.name, list(people), *draft[1:])


@task(queue_name="default")
def tell_many(kind: str, recipients: list[int], *about: Any) -> None:
    """Tells a fact to many people: a `Draft`. A second run tells only what is told repeatedly."""
    with transaction.atomic():
        _tell(KINDS[kind], Draft(recipients, *about))


def _tell(kind: Kind, draft: Draft) -> None:
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
    _announce([Told(*row) for row in _rows("tell", parameters)])


def tell_mentions(*, kwip: Kwip) -> None:
    """Tells whom the kwip or comment mentions, each once, whatever is edited later."""
    if "@" in kwip.text or "＠" in kwip.text:
        _announce([Told(*row) for row in _rows("mentioned", {"kwip": kwip.pk})])


def tell_comment(*, comment: Kwip, thread_id: int) -> None:
    """Tells a comment to those whom it mentions, and to those who track its conversation."""
    found, _ = _tell_comment(comment.pk, thread_id, limit=AT_ONCE + 1, most=AT_ONCE)
    if found > AT_ONCE:
        tell_trackers.enqueue(comment.pk, thread_id)


@task(queue_name="default")
def tell_trackers(comment_id: int, thread_id: int, after: int = 0) -> None:
    """Tells a comment to many who track its conversation, in batches.

    A person who was in the conversation after the comment, and before the command, is told it too.
    """
    found = BATCH
    while found == BATCH:
        with transaction.atomic():
            found, after = _tell_comment(comment_id, thread_id, limit=BATCH, most=BATCH, after=after)


def _tell_comment(
    comment_id: int, thread_id: int, *, limit: int, most: int, after: int = 0
) -> tuple[int, int]:
    """Returns how many people who track it were found after ``after``, and the last of them."""
    parameters = {"comment": comment_id, "thread": thread_id, "after": after, "limit": limit, "most": most}
    [(found, last, ids, recipients, kinds)] = _rows("commented", parameters)
    _announce([Told(*row) for row in zip(ids, recipients, kinds, strict=True)])
    return found, last or after


def _announce(told: Collection[Told]) -> None:
    """The cached users have the unread mark: only the recipients' entries are invalidated."""
    if told:
        invalidate(cache=[user_key(notice.recipient_id) for notice in told])
        noticed.emit(Noticed(told))


def visit(*, user: User, thread_id: int) -> None:
    """The user opens a conversation: its notices are seen, and its next comment is told."""
    [(changed, is_unread)] = _rows("visited", {"viewer": user.pk, "thread": thread_id})
    if changed:
        user.unread = is_unread
        invalidate(cache=[user_key(user.pk)])


def see(*, user: User) -> list[int]:
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


def forget(*, kwips: Collection[Kwip]) -> None:
    """Deletes the notices of deleted kwips and comments."""
    ids, threads = [kwip.pk for kwip in kwips], {kwip.thread_id or kwip.pk for kwip in kwips}
    rows = _rows("forget", {"kwips": ids, "threads": sorted(threads)})
    invalidate(cache=[user_key(recipient) for (recipient,) in rows])


def sweep() -> int:
    """Deletes old notices, and each person's beyond the newest `KEPT`; returns how many."""
    swept, after = 0, 0
    parameters = {"days": settings.NOTICE_DAYS, "kept": KEPT, "people": 500, "limit": 5_000}
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

"""Writes of messages. Each is one transaction that locks the sides of the conversation that it changes."""

import uuid
from typing import Any

from django.db import connection, transaction

from apps.accounts.keys import user_key
from apps.accounts.models import User
from apps.invalidation import invalidate
from apps.messages import events, queries
from apps.messages.models import Message, Preference, Side
from apps.messages.statements import SQL

KEPT = 5_000  # messages of a conversation, for each of the two
MOST = 1_000  # conversations of one person


class CannotWrite(Exception):
    """`queries.Reach` says no, or the recipient is oneself, switched off or deleted."""


class CannotBuzz(CannotWrite):
    """As above; or the person is not silent, takes no buzzes, or was buzzed."""


class _SentBefore(Exception):
    """The form is sent for the second time. Rolls back."""


def send(*, sender: User, recipient: User, text: str, form_key: uuid.UUID) -> bool:
    """Sends a message; returns False if this form was sent before. Raises `CannotWrite`."""
    try:
        with transaction.atomic():
            _send(sender, recipient, text, form_key)
    except _SentBefore:
        return False
    return True


def _send(sender: User, recipient: User, text: str, form_key: uuid.UUID) -> None:
    if sender.pk == recipient.pk:
        raise CannotWrite
    pair = {"sender": sender.pk, "recipient": recipient.pk}
    before = {owner: (is_unread, newest) for owner, is_unread, newest in _rows("lock", pair)}
    reach = queries.reach(sender.pk, recipient.pk)
    if reach is None or not reach.may_write:
        raise CannotWrite
    sent = dict(_rows("send", pair | {"text": text, "form_key": str(form_key), "kept": KEPT}))
    if not sent:
        raise _SentBefore
    for owner, (_, newest) in before.items():
        if not newest:
            with connection.cursor() as cursor:
                SQL.statement("forget_oldest").execute_prepared(cursor, {"owner": owner, "most": MOST})
    is_first = sent[recipient.pk] and not before[recipient.pk][0]
    changed = [owner for owner, is_unread in sent.items() if is_unread != before[owner][0]]
    invalidate(cache=map(user_key, changed))
    events.messaged.emit(events.Messaged(sender, recipient, is_first))


@transaction.atomic
def read(*, user: User, other: User) -> None:
    """The user opens the conversation: its messages are read."""
    [(was_unread, is_unread)] = _rows("read", {"viewer": user.pk, "other": other.pk})
    if was_unread:
        user.unread_messages = is_unread  # in the frame of this page
        _opened(user, other)


@transaction.atomic
def delete_message(*, owner: User, other: User, message_id: int) -> None:
    """Deletes the owner's copy."""
    side = _lock_side(owner, other)
    if side is not None:
        Message.objects.filter(owner=owner, other=other, pk=message_id).delete()
        _settle(side, owner, other)


@transaction.atomic
def delete_conversation(*, owner: User, other: User, newest: int) -> None:
    """Deletes the owner's copies up to the message ``newest``: what came later was not shown, and stays.

    What the owner wrote no longer lets the other person answer.
    """
    side = _lock_side(owner, other)
    if side is not None:
        Message.objects.filter(owner=owner, other=other, pk__lte=newest).delete()
        side.has_written = False
        _settle(side, owner, other)


def _lock_side(owner: User, other: User) -> Side | None:
    return Side.objects.select_for_update(no_key=True).filter(owner=owner, other=other).first()


def _settle(side: Side, owner: User, other: User) -> None:
    """Makes the side, which is locked, that of the messages that are left."""
    newest = queries.newest(owner, other)
    if newest is None:
        side.delete()
        _opened(owner, other)
    else:
        side.newest_id = newest.pk
        side.save(update_fields=["newest_id", "has_written"])


def _opened(reader: User, other: User) -> None:
    invalidate(cache=[user_key(reader.pk)])
    events.opened.emit(events.Opened(reader, other.pk))


def prefer(*, user: User, takes_messages: bool, takes_buzzes: bool) -> None:
    """Stores what the user takes from people whom they follow."""
    wanted = {"takes_messages": takes_messages, "takes_buzzes": takes_buzzes}
    Preference.objects.update_or_create(user=user, defaults=wanted)


@transaction.atomic
def buzz(*, buzzer: User, buzzed: User) -> None:
    """Nudges a person. However many do it at the same time, it is one buzz. Raises `CannotBuzz`."""
    reach = queries.reach(buzzer.pk, buzzed.pk)
    if reach is None or not reach.may_buzz:
        raise CannotBuzz
    parameters = {"buzzer": buzzer.pk, "buzzed": buzzed.pk, "hours": queries.BUZZ_HOURS}
    if not _rows("buzz", parameters):
        raise CannotBuzz
    events.buzzed.emit(events.Buzzed(buzzer, buzzed))


def _rows(statement: str, parameters: dict[str, Any]) -> list[Any]:
    with connection.cursor() as cursor:
        SQL.statement(statement).execute_prepared(cursor, parameters)
        return cursor.fetchall()

"""The notices of a person that wait for mail, or were mailed and not returned to: read under their locks."""

from collections.abc import Iterable
from functools import cache
from typing import NamedTuple

from django.db import connection

from apps.notifications.models import Notice
from apps.notifications.registry import Channel
from apps.notifications.statements import SQL
from apps.statements import Statement

_OF_CONVERSATION = "(n.id = %(notice)s OR n.thread_id = %(thread)s)"


class Unreturned(NamedTuple):
    id: int
    kind: str
    channel: str
    thread_id: int | None
    is_unseen: bool


def lock_conversation(*, person_id: int, notice_id: int, thread_id: int | None) -> list[Unreturned]:
    """The notice, and the others of its conversation."""
    return _lock("conversation", person=person_id, notice=notice_id, thread=thread_id)


def lock_all(*, person_id: int) -> list[Unreturned]:
    return _lock("all", person=person_id)


def mark(ids: Iterable[int], channel: Channel) -> None:
    """Records of locked notices whether they were mailed."""
    Notice.objects.filter(pk__in=list(ids)).update(channel=channel)


def _lock(name: str, **parameters: int | None) -> list[Unreturned]:
    with connection.cursor() as cursor:
        _statement(name).execute_prepared(cursor, parameters)
        return [Unreturned(*row) for row in cursor.fetchall()]


@cache
def _statement(name: str) -> Statement:
    sql = SQL.load("unreturned", among=_OF_CONVERSATION if name == "conversation" else "true")
    return sql.statement("unreturned.sql", f"notifications_unreturned_{name}")

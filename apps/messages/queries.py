"""Reads of messages: who may send what to whom, conversations, and the messages of one."""

import datetime
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple

from django.db import connection
from django.utils.safestring import SafeString

from apps.accounts.models import User
from apps.keyset import KeysetOrder, Page, Seek, WeightLimit, from_queryset, paginate
from apps.kwips import text as kwip_text
from apps.messages.models import Message, Preference
from apps.messages.statements import SQL
from apps.plaintext import language_of, safe
from apps.statements import Statement

PAGE_SIZE = 20
PAGE_CHARACTERS = 20_000  # of the messages on a page; a longer one has the page to itself
SILENT_DAYS = 2  # until a person may be buzzed
BUZZ_HOURS = 24  # between two buzzes of one person to another


class Reach(NamedTuple):
    """What a viewer may send to a person, and why not. The fields are those of `sql/reach.sql`."""

    follows: bool  # the viewer
    is_blocked: bool
    takes_messages: bool
    takes_buzzes: bool
    has_conversation: bool
    wrote: bool  # to the viewer, in a conversation that the person did not delete
    is_silent: bool
    was_buzzed: bool
    is_followed: bool  # by the viewer
    is_asked: bool  # by the viewer, whether they may follow
    blocks: bool  # the viewer blocks the person
    mutes: bool  # the viewer mutes the person

    @property
    def may_write(self) -> bool:
        return not self.is_blocked and (self.wrote or (self.follows and self.takes_messages))

    @property
    def may_buzz(self) -> bool:
        return (
            self.follows and self.takes_buzzes and self.is_silent and not (self.is_blocked or self.was_buzzed)
        )


def reach(viewer_id: int | None, person_id: int) -> Reach | None:
    """None for an anonymous visitor, for oneself, and for a person who is switched off."""
    if viewer_id is None or viewer_id == person_id:
        return None
    parameters = {"viewer": viewer_id, "person": person_id, "days": SILENT_DAYS, "hours": BUZZ_HOURS}
    with connection.cursor() as cursor:
        SQL.statement("reach").execute_prepared(cursor, parameters)
        row = cursor.fetchone()
    return Reach(*row) if row else None


@dataclass(frozen=True)
class Conversation:
    """A conversation in the list, with the beginning of its newest message, whose id it has."""

    id: int
    username: str
    name: str
    avatar: str
    is_unread: bool
    is_mine: bool
    text: str
    sent_at: datetime.datetime

    @property
    def url(self) -> str:
        return f"/messages/{self.username}/"

    @property
    def excerpt(self) -> str:
        return kwip_text.excerpt(self.text, words=30)


def conversations(viewer: User, arguments: Mapping[str, str]) -> Page[Conversation]:
    """The viewer's conversations, the one with the newest message first. Raises `BadCursor`."""
    order = KeysetOrder(f"messages of {viewer.pk}")

    def fetch(seek: Seek) -> list[Conversation]:
        with connection.cursor() as cursor:
            statement = _conversations(seek.beyond, seek.direction)
            statement.execute_prepared(cursor, {"viewer": viewer.pk, **seek.parameters})
            return [
                Conversation(pk, username, safe(name), *rest)
                for pk, username, name, *rest in cursor.fetchall()
            ]

    return paginate(arguments, order, fetch, limit=PAGE_SIZE)


@cache
def _conversations(beyond: str, direction: str) -> Statement:
    sql = SQL.load("conversations", beyond=beyond, order=direction)
    return sql.statement("conversations.sql", f"private_messages_conversations_{direction.lower()}")


@dataclass(frozen=True)
class Shown:
    """A message as its owner sees it."""

    id: int
    is_mine: bool
    text: str
    sent_at: datetime.datetime

    @property
    def excerpt(self) -> str:
        return kwip_text.excerpt(self.text)

    @property
    def html(self) -> SafeString:
        return kwip_text.to_html(self.text)

    @property
    def language(self) -> str:
        """The language of the text, or "" if unknown."""
        return language_of(self.text)


def messages(owner: User, other: User, arguments: Mapping[str, str]) -> Page[Shown]:
    """The owner's messages with the other person, newest first. Raises `BadCursor`."""
    order = KeysetOrder(f"messages of {owner.pk} and {other.pk}")
    rows = Message.objects.filter(owner=owner, other=other).only("is_mine", "text", "sent_at")
    weight: WeightLimit[Message] = WeightLimit(PAGE_CHARACTERS, lambda row: len(row.text))
    page = paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE, weight=weight)
    return page.with_items([shown(row) for row in page])


def shown(row: Message) -> Shown:
    return Shown(row.pk, row.is_mine, row.text, row.sent_at)


def message(owner: User, other: User, message_id: int) -> Message | None:
    return Message.objects.filter(owner=owner, other=other, pk=message_id).first()


def newest(owner: User, other: User) -> Message | None:
    return Message.objects.filter(owner=owner, other=other).order_by("-pk").first()


def preference(user: User) -> Preference:
    return Preference.objects.filter(user=user).first() or Preference(user=user)

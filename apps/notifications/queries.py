"""Reads of notices: a page of groups, each with its lines."""

import datetime
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import Exists, OuterRef

from apps.accounts.models import User
from apps.keyset import KeysetOrder, Page, Seek, paginate
from apps.kwips import formatting
from apps.notifications.actions import MAX_NOTICES
from apps.notifications.models import Notice, OperatorMessage
from apps.notifications.registry import KINDS, Kind
from apps.notifications.statements import SQL
from apps.plaintext import safe, truncate
from apps.statements import Sql, Statement

PAGE_SIZE = 20  # groups
LINES = 5  # of a group
TEXT_CHARACTERS = 600  # of a text in mail; page.sql reads a little more
MAX_ID = 2**63 - 1


class Actor(NamedTuple):
    username: str
    name: str
    avatar: str

    @property
    def path(self) -> str:
        return f"/{self.username}/"


@dataclass(frozen=True)
class Line:
    """What a kind says about one subject: the newest actors, and how many there are."""

    group_id: int
    kind: Kind
    subject: int
    notified_at: datetime.datetime
    is_unseen: bool
    number: int
    actors: list[Actor]
    kwip_id: int | None
    kwip_author: str | None
    kwip_text: str | None
    thread_id: int | None
    thread_author: str | None
    thread_text: str | None
    is_tracked: bool | None
    kwip_is_formatted: bool = False
    thread_is_formatted: bool = False

    @property
    def url(self) -> str:
        return self.kind.place(self)

    @property
    def kwip_url(self) -> str:
        return f"/{self.kwip_author}/kwip/{self.kwip_id}/"

    @property
    def others(self) -> int:
        """How many actors are counted, not named: one is named rather than counted."""
        return 0 if self.number <= len(self.actors) else self.number - 2

    @property
    def named(self) -> list[Actor]:
        return self.actors[:2] if self.others else self.actors

    @property
    def excerpt(self) -> str:
        return formatting.excerpt(self.kwip_text or "", formatted=self.kwip_is_formatted, words=30)

    @property
    def text(self) -> str:
        """The beginning of the text that it is about, for mail; "" if it is about none."""
        text = safe(self.kwip_text or "")
        return truncate(formatting.plain(text) if self.kwip_is_formatted else text, TEXT_CHARACTERS)

    @property
    def has_quote(self) -> bool:
        """Whether the text that it leads to is shown: the conversation's own text stands above its lines."""
        return self.kwip_text is not None and (self.kwip_id is None or self.is_about_comment)

    @property
    def is_about_comment(self) -> bool:
        return self.kwip_id != self.thread_id


@dataclass(frozen=True)
class Group:
    """The lines about one conversation, or of one kind and day. ``id`` is the newest notice's."""

    id: int
    lines: list[Line]

    @property
    def is_unseen(self) -> bool:
        return any(line.is_unseen for line in self.lines)

    @property
    def thread_id(self) -> int | None:
        return self.lines[0].thread_id

    @property
    def is_tracked(self) -> bool:
        """Whether the group has comments, and the viewer tracks the conversation."""
        return any(line.is_tracked and line.kind.name in ("comment", "tracked") for line in self.lines)

    @property
    def thread_url(self) -> str:
        """The address of the conversation, "" if it is about none."""
        first = self.lines[0]
        return f"/{first.thread_author}/kwip/{first.thread_id}/" if first.thread_id else ""

    @property
    def thread_excerpt(self) -> str:
        first = self.lines[0]
        return formatting.excerpt(first.thread_text or "", formatted=first.thread_is_formatted) or "…"


def message_to(viewer: User, message_id: int) -> OperatorMessage | None:
    """An operator's message, if the viewer has a notice of it."""
    theirs = Notice.objects.filter(recipient=viewer, kind="operator", actor=None, subject=OuterRef("pk"))
    return OperatorMessage.objects.filter(Exists(theirs), pk=message_id).first()


def notices(viewer: User, arguments: Mapping[str, str], *, new: Sequence[int] = ()) -> Page[Group]:
    """A page of the viewer's notices, newest first; one query. Raises `BadCursor`.

    The notices ``new`` are shown as unseen, although they were just marked as seen.
    """
    order = KeysetOrder(f"notices {viewer.pk}")

    def fetch(seek: Seek) -> list[Group]:
        return _groups(_page(seek.beyond, seek.direction), viewer=viewer.pk, new=list(new), **seek.parameters)

    return paginate(arguments, order, fetch, limit=PAGE_SIZE)


def selected(*, viewer_id: int, ids: Sequence[int]) -> list[Group]:
    """Those of these notices that the viewer may see now, newest first; a page at most. For mail."""
    return _groups(_selected(), viewer=viewer_id, ids=list(ids), new=[], cursor_id=MAX_ID, limit=PAGE_SIZE)


def _groups(statement: Statement, **parameters: Any) -> list[Group]:
    with connection.cursor() as cursor:
        statement.execute_prepared(cursor, {"most": MAX_NOTICES, "lines": LINES} | parameters)
        lines = [_line(row) for row in cursor.fetchall()]
    return [Group(newest, list(said)) for newest, said in groupby(lines, key=attrgetter("group_id"))]


def _line(row: tuple[Any, ...]) -> Line:
    group_id, kind, subject, notified_at, is_unseen, number, actors, *texts = row
    named = [Actor(username, safe(name), avatar) for username, name, avatar in actors]
    return Line(group_id, KINDS[kind], subject, notified_at, is_unseen, number, named, *texts)


@cache
def _page(beyond: str, direction: str) -> Statement:
    """All kinds are registered before the first request."""
    page = SQL.load("page", condition=_condition(), among="true", beyond=beyond, order=direction)
    return page.statement("page.sql", f"notifications_page_{direction.lower()}")


@cache
def _selected() -> Statement:
    among = Sql("n.id = ANY (%(ids)s)", {"ids": "bigint[]"})
    page = SQL.load("page", condition=_condition(), among=among, beyond="<", order="DESC")
    return page.statement("page.sql", "notifications_selected")


def _condition() -> str:
    conditions = " ".join(f"WHEN '{kind.name}' THEN {kind.condition}" for kind in KINDS.values())
    return f"CASE n.kind {conditions} ELSE false END"

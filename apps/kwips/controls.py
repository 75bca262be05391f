"""Controls: the parts of a card that depend on its viewer, as the heart and the items of the menu.

A card is rendered once for all viewers, with each control in each of its states. A page then takes from each
control the state that the viewer's marks choose. A new control is one class in `CONTROLS` and one template.

Controls differ little from card to card, so a process renders a template once for each state and for each
combination of the `fields` that it reads, with a stand-in for the id, which each card replaces by its own.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol

from django.db import connection
from django.template.loader import render_to_string
from django.utils.translation import get_language

from apps.kwips import queries
from apps.kwips.visibility import SQL
from apps.statements import Sql, Statement

# Stands for the id of the kwip while a control is rendered. No template has it.
_ID = "\0"
_LINE_END = re.compile(r"\s*\n\s*")


class Facts(NamedTuple):
    """What a control knows of a kwip. A stored card holds these facts apart from its HTML."""

    id: int
    author_id: int
    thread_author_id: int | None
    is_for_everyone: bool
    created_at: int  # seconds


@dataclass(frozen=True, slots=True)
class Marks:
    """A viewer, and for each control the ids of the kwips that the viewer marked with it."""

    viewer_id: int | None
    by_control: Mapping[str, Collection[int]]


class Marked(Protocol):
    """A kwip in a list. ``marks`` has the names of the viewer's marks; None: its query did not read them."""

    @property
    def id(self) -> int: ...
    @property
    def marks(self) -> Collection[str] | None: ...


class Control(ABC):
    """``place`` is the variable of `_kwip_foot.html` or `_comment.html` that shows the control.

    ``marked_sql`` names a fragment in `sql/`, true if the viewer marked the kwip `page`: timelines read the
    mark with their entries, other lists all marks by one query.

    The template has ``state`` and ``kwip``, with the id and the ``fields`` of the card and nothing else. It
    may print the id, not compute with it.
    """

    name: ClassVar[str]
    template: ClassVar[str]
    states: ClassVar[tuple[str, ...]]
    fields: ClassVar[tuple[str, ...]] = ()
    place: ClassVar[str] = "after_comments"
    marked_sql: ClassVar[str] = ""

    @abstractmethod
    def state_of(self, card: Facts, marks: Marks) -> str:
        """One of `states`, or "" where this viewer does not get the control."""

    def render(self, card: queries.Card, state: str) -> bytes:
        values = tuple(getattr(card, field) for field in self.fields)
        html = _rendered(self.template, state, self.fields, values, get_language())
        return html.replace(_ID.encode(), str(card.id).encode())


class Heart(Control):
    """A button for members, a number for anonymous visitors."""

    name, template = "heart", "kwips/_heart.html"
    states = ("anonymous", "off", "on")
    fields = ("favourites_count",)
    place = "before_comments"
    marked_sql = "is_favourite"

    def state_of(self, card: Facts, marks: Marks) -> str:
        if not marks.viewer_id:
            return "anonymous"
        return "on" if card.id in marks.by_control[self.name] else "off"


class Share(Control):
    """A button below kwips for everyone; a number for anonymous visitors and for the author."""

    name, template = "shared", "kwips/_share.html"
    states = ("number", "off", "on")
    fields = ("shares_count",)
    marked_sql = "is_shared"

    def state_of(self, card: Facts, marks: Marks) -> str:
        if card.thread_author_id is not None or not card.is_for_everyone:
            return ""
        if not marks.viewer_id or marks.viewer_id == card.author_id:
            return "number"
        return "on" if card.id in marks.by_control[self.name] else "off"


class MenuBegin(Control):
    """The button that opens the menu, for members. The items are controls between this one and `MenuEnd`."""

    name, template = "menu_begin", "kwips/_menu.html"
    states: ClassVar[tuple[str, ...]] = ("begin",)

    def state_of(self, card: Facts, marks: Marks) -> str:
        return self.states[0] if marks.viewer_id else ""


class MenuEnd(MenuBegin):
    name, states = "menu_end", ("end",)


class Bookmark(Control):
    """An item for members; no one sees how many have a bookmark."""

    name, template = "bookmark", "kwips/_bookmark.html"
    states = ("off", "on")
    marked_sql = "is_bookmark"

    def state_of(self, card: Facts, marks: Marks) -> str:
        if not marks.viewer_id:
            return ""
        return "on" if card.id in marks.by_control[self.name] else "off"


class Others(Control):
    """Items to mute the author or the conversation and to report, for members other than the author."""

    name, template = "others", "kwips/_others.html"
    states = ("member",)

    def state_of(self, card: Facts, marks: Marks) -> str:
        return "member" if marks.viewer_id and marks.viewer_id != card.author_id else ""


class Own(Control):
    """Items to edit, pin and delete; on a comment, one to delete for the author of the kwip above it."""

    name, template = "own", "kwips/_own.html"
    states = ("author", "thread_author")
    fields = ("is_comment",)

    def state_of(self, card: Facts, marks: Marks) -> str:
        if not marks.viewer_id:
            return ""
        if marks.viewer_id == card.author_id:
            return "author"
        return "thread_author" if marks.viewer_id == card.thread_author_id else ""


class CommentMenu(Control):
    """What a member can do with a comment in its conversation, besides the heart.

    A state is whether the member is its author, or the host (the author of the kwip, who may delete it), and
    whether they have a bookmark of it.
    """

    name, template = "comment", "kwips/_comment_menu.html"
    states = ("member", "author", "host", "member+kept", "author+kept", "host+kept")
    place = "in_conversation"

    def state_of(self, card: Facts, marks: Marks) -> str:
        if not marks.viewer_id or card.thread_author_id is None:
            return ""
        roles = {card.thread_author_id: "host", card.author_id: "author"}
        is_kept = card.id in marks.by_control[Bookmark.name]
        return roles.get(marks.viewer_id, "member") + ("+kept" if is_kept else "")


@lru_cache(maxsize=1000)
def _rendered(
    template: str, state: str, fields: tuple[str, ...], values: tuple[Any, ...], language: str
) -> bytes:
    kwip = {"id": _ID} | dict(zip(fields, values, strict=True))
    # A page has hundreds of controls, whose indentation would be a fifteenth of its bytes.
    return _LINE_END.sub(" ", render_to_string(template, {"kwip": kwip, "state": state})).encode()


CONTROLS: list[Control] = [
    Heart(), Share(), CommentMenu(), MenuBegin(), Bookmark(), Others(), Own(), MenuEnd()
]  # fmt: skip


def facts_of(card: queries.Card) -> Facts:
    written = int(card.created_at.timestamp())
    return Facts(card.id, card.author_id, card.thread_author_id, not card.followers_only, written)


def marks_sql() -> Sql:
    """The viewer's marks on the kwip `page`: names of controls; NULL for an anonymous visitor."""
    marked = {control.name: SQL.load(control.marked_sql) for control in CONTROLS if control.marked_sql}
    cases = ", ".join(f"CASE WHEN {sql.text} THEN '{name}' END" for name, sql in marked.items())
    types = {parameter: typed for sql in marked.values() for parameter, typed in sql.types.items()}
    return Sql(f"CASE WHEN %(viewer)s <> 0 THEN array_remove(ARRAY[{cases}]::text[], NULL) END", types)


@cache
def _marks_among() -> Statement:
    return SQL.load("marks_among", marks=marks_sql()).statement("marks_among.sql", "kwips_marks_among")


def marks_of(viewer_id: int | None, kwips: Collection[Marked]) -> Marks:
    """The viewer's marks on these kwips: from the kwips if they have them, else by one query.

    No query for an anonymous visitor.
    """
    if not viewer_id or not kwips:
        return Marks(viewer_id, {})
    read = [(kwip.id, kwip.marks) for kwip in kwips if kwip.marks is not None]
    if len(read) < len(kwips):
        with connection.cursor() as cursor:
            parameters = {"viewer": viewer_id, "ids": [kwip.id for kwip in kwips]}
            _marks_among().execute_prepared(cursor, parameters)
            read = cursor.fetchall()
    marked: dict[str, set[int]] = {control.name: set() for control in CONTROLS}
    for kwip_id, names in read:
        for name in names:
            marked[name].add(kwip_id)
    return Marks(viewer_id, marked)

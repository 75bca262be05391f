"""Controls: the parts of a card that depend on its viewer, as the heart and the links to edit and delete.

A card is rendered once for all viewers, with each control in each of its states. A page then takes from each
control the state that the viewer's marks choose. A new control is one class in `CONTROLS` and one template.

Controls differ little from card to card, so a process renders a template once for each state and for each
combination of the `fields` that it reads, with a stand-in for the id, which each card replaces by its own.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, NamedTuple, Protocol

from django.template.loader import render_to_string
from django.utils.translation import get_language

from apps.kwips import queries
from apps.kwips.visibility import SQL
from apps.statements import Sql

# Stands for the id of the kwip while a control is rendered. No template has it.
_ID = "\0"


class Facts(NamedTuple):
    """What a control knows of a kwip. A stored card holds these facts apart from its HTML."""

    id: int
    author_id: int
    thread_author_id: int | None


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
    """``place`` is the variable of `_kwip_foot.html` that shows the control.

    ``marked_sql`` names a fragment in `sql/`, true if the viewer marked the kwip `page`: timelines read the
    mark with their entries. Other lists use `marked_among`.

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

    def marked_among(self, kwip_ids: Sequence[int], viewer_id: int) -> Collection[int]:
        """Which of the kwips the viewer marked with this control, by one query; none unless overridden."""
        return ()

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

    def marked_among(self, kwip_ids: Sequence[int], viewer_id: int) -> Collection[int]:
        return queries.favourites_among(kwip_ids, viewer_id)


class Own(Control):
    """Links to edit and delete; on a comment, a link to delete for the author of the kwip above it."""

    name, template = "own", "kwips/_own.html"
    states = ("author", "thread_author")

    def state_of(self, card: Facts, marks: Marks) -> str:
        if not marks.viewer_id:
            return ""
        if marks.viewer_id == card.author_id:
            return "author"
        return "thread_author" if marks.viewer_id == card.thread_author_id else ""


@lru_cache(maxsize=1000)
def _rendered(
    template: str, state: str, fields: tuple[str, ...], values: tuple[Any, ...], language: str
) -> bytes:
    kwip = {"id": _ID} | dict(zip(fields, values, strict=True))
    return render_to_string(template, {"kwip": kwip, "state": state}).encode()


CONTROLS: list[Control] = [Heart(), Own()]


def facts_of(card: queries.Card) -> Facts:
    return Facts(card.id, card.author_id, card.thread_author_id)


def marks_sql() -> Sql:
    """The viewer's marks on the kwip `page`: names of controls; NULL for an anonymous visitor."""
    marked = {control.name: SQL.load(control.marked_sql) for control in CONTROLS if control.marked_sql}
    cases = ", ".join(f"CASE WHEN {sql.text} THEN '{name}' END" for name, sql in marked.items())
    types = {parameter: typed for sql in marked.values() for parameter, typed in sql.types.items()}
    return Sql(f"CASE WHEN %(viewer)s <> 0 THEN array_remove(ARRAY[{cases}]::text[], NULL) END", types)


def marks_of(viewer_id: int | None, kwips: Collection[Marked]) -> Marks:
    """The viewer's marks on these kwips: from the kwips if they have them, else by a query a control.

    No query for an anonymous visitor.
    """
    if not viewer_id or not kwips:
        return Marks(viewer_id, {})
    read = [(kwip.id, kwip.marks) for kwip in kwips if kwip.marks is not None]
    by_control: dict[str, Collection[int]] = {}
    for control in CONTROLS:
        if control.marked_sql and len(read) == len(kwips):
            by_control[control.name] = {kwip_id for kwip_id, names in read if control.name in names}
        else:
            by_control[control.name] = control.marked_among([kwip.id for kwip in kwips], viewer_id)
    return Marks(viewer_id, by_control)

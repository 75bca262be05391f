"""Controls: the parts of a card that depend on its viewer, as the heart and the links to edit and delete.

A card is rendered once for all viewers, with each control in each of its states. A page then takes from each
control the state that the viewer's marks choose. A new control is one class in `CONTROLS` and one template.
"""

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

from django.template.loader import render_to_string

from apps.kwips import queries


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


class Control(ABC):
    """``place`` is the variable of `_kwip_foot.html` that shows the control."""

    name: ClassVar[str]
    template: ClassVar[str]
    states: ClassVar[tuple[str, ...]]
    place: ClassVar[str] = "after_comments"

    @abstractmethod
    def state_of(self, card: Facts, marks: Marks) -> str:
        """One of `states`, or "" where this viewer does not get the control."""

    def marked_among(self, kwip_ids: Sequence[int], viewer_id: int) -> Collection[int]:
        """Which of the kwips the viewer marked with this control, by one query; none unless overridden."""
        return ()

    def render(self, card: queries.Card, state: str) -> str:
        return render_to_string(self.template, {"kwip": card, "state": state})


class Heart(Control):
    """A button for members, a number for anonymous visitors."""

    name, template = "heart", "kwips/_heart.html"
    states = ("anonymous", "off", "on")
    place = "before_comments"

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


class Answer(Control):
    """A link that answers a comment; for members, below comments."""

    name, template = "answer", "kwips/_answer.html"
    states = ("member",)

    def state_of(self, card: Facts, marks: Marks) -> str:
        return "member" if marks.viewer_id and card.thread_author_id is not None else ""


CONTROLS: list[Control] = [Heart(), Answer(), Own()]


def facts_of(card: queries.Card) -> Facts:
    return Facts(card.id, card.author_id, card.thread_author_id)


def marks_of(viewer_id: int | None, kwip_ids: Sequence[int]) -> Marks:
    """The viewer's marks on these kwips. No query for an anonymous visitor."""
    if not viewer_id or not kwip_ids:
        return Marks(viewer_id, {})
    return Marks(viewer_id, {it.name: it.marked_among(kwip_ids, viewer_id) for it in CONTROLS})

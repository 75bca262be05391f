"""The registry of kinds of notices. A kind is one row: its event, its recipients, its words and its place."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from django.utils.functional import Promise

from apps.events import Event


class Channel(StrEnum):
    """How far a kind goes, unless the person chose otherwise. Each channel includes those before it."""

    NONE = "none"
    SITE = "site"
    DIGEST = "digest"
    MAIL = "mail"
    SENT = "sent"  # of a notice alone: a mail or a digest has it


# The defaults of the kinds that the statements of new kwips and comments write.
OF_KWIPS = {"comment": Channel.MAIL, "mention": Channel.DIGEST, "tracked": Channel.DIGEST}


class Draft(NamedTuple):
    """A fact: its recipients, its actor, its subject. The actor is never notified."""

    recipients: Collection[int]
    actor_id: int | None = None
    subject: int = 0
    thread_id: int | None = None
    kwip_id: int | None = None


# Returns the draft of an event, None if it concerns no one.
type MakeDraft = Callable[[Any], Draft | None]


@dataclass(frozen=True)
class Kind:
    """A kind of notice.

    ``name`` is stored; ``templates/notifications/words/NAME.html`` has its words, for a `queries.Line`.
    ``label`` names it in the settings. ``events`` maps each event to its draft; a kind that a .sql file
    writes has none. ``place`` returns the path that a line links to. ``condition`` is SQL over the
    notice `n`, false once the fact no longer holds. ``is_repeated``: each event makes the notice new again.
    ``settings`` is the path of a page that switches it off, also for those who cause it. ``buttons`` is a
    template with what the page offers below a line about one actor.
    """

    name: str
    label: str | Promise
    channel: Channel
    place: Callable[[Any], str]
    events: Mapping[Event[Any], MakeDraft] = field(default_factory=dict)
    condition: str = "true"
    is_repeated: bool = False
    settings: str = ""
    buttons: str = ""

    @property
    def template(self) -> str:
        return f"notifications/words/{self.name}.html"


KINDS: dict[str, Kind] = {}


def register(kind: Kind) -> Kind:
    """Adds a kind and subscribes it to its events. Called from `AppConfig.ready`, or from `kwippy.wiring`."""
    assert kind.name not in KINDS, f"two kinds are named {kind.name}"  # noqa: S101
    KINDS[kind.name] = kind
    for event, make_draft in kind.events.items():
        event.within(_subscriber(kind, make_draft))
    return kind


def _subscriber(kind: Kind, make_draft: MakeDraft) -> Callable[[Any], None]:
    from apps.notifications.actions import notify  # it imports this module

    def subscriber(payload: Any) -> None:
        if (draft := make_draft(payload)) is not None:
            notify(kind=kind, draft=draft)

    subscriber.__qualname__ = f"notify_{kind.name}"  # for `manage.py events`
    return subscriber

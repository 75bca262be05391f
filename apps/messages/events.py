"""Events of messages and buzzes."""

from dataclasses import dataclass

from apps.accounts.models import User
from apps.events import Event


@dataclass(frozen=True)
class Messaged:
    """``is_first``: the recipient had read all earlier messages of the sender."""

    sender: User
    recipient: User
    is_first: bool


@dataclass(frozen=True)
class Opened:
    """The reader has no unread message of the other person any more: read, or deleted."""

    reader: User
    other_id: int


@dataclass(frozen=True)
class Buzzed:
    buzzer: User
    buzzed: User


messaged = Event("messaged", Messaged)
opened = Event("conversation_opened", Opened)
buzzed = Event("buzzed", Buzzed)

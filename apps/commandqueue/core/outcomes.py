"""The result of an attempt, and the time until the next one."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.commandqueue.models import State

# The local part of an address in a server's reply. The domain stays in logs: it says which server refuses.
_LOCAL_PART = re.compile(r"[^\s<>()\[\]:;,\"']+@")
BACKOFF_BASE = 5.0
BACKOFF_CAP = 900.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """The result of an attempt, as it is settled."""

    state: State
    # Seconds until the retry, if the state is WAITING.
    delay: float = 0.0
    error: dict[str, str] | None = None
    # The recipients still to be reached; None leaves them unchanged.
    recipients: Sequence[str] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    # A task's return value, as {"value": …}.
    result: dict[str, Any] | None = None
    # The mail server could not be used at all: any other message would fail too, so mail pauses.
    unreachable: bool = False


def backoff(attempts: int, *, base: float = BACKOFF_BASE, cap: float = BACKOFF_CAP) -> float:
    """Seconds to wait after so many attempts: exponential, capped, with full jitter.

    Full jitter: commands that failed together are not retried together.
    """
    return random.uniform(0, min(cap, base * 2 ** min(attempts - 1, 30)))  # noqa: S311


def done() -> Outcome:
    return Outcome(State.DONE)


def retry(reason: str, *, attempts: int, unreachable: bool = False) -> Outcome:
    return Outcome(State.WAITING, delay=backoff(attempts), error={"reason": reason}, unreachable=unreachable)


def dead(reason: str, *, refused: Mapping[str, str] | None = None) -> Outcome:
    """A retry would fail too."""
    return Outcome(State.DEAD, error={"reason": reason}, refused=refused or {})


def discarded() -> Outcome:
    """No longer wanted: it is not sent, and no dead letter."""
    return Outcome(State.DISCARDED)


def loggable(error: Mapping[str, str]) -> str:
    """The reason of a failure without addresses of people, and without the text of a task's exception."""
    return error.get("exception") or _LOCAL_PART.sub("…@", error["reason"])

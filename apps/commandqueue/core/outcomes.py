"""How an attempt at a command ended, and how long until the next."""

import random
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from apps.commandqueue.models import State

# In a server's reply. The domain stays: whose server refuses is what an operator looks for.
_LOCAL_PART = re.compile(r"[^\s<>()\[\]:;,\"']+@")
BACKOFF_BASE = 5.0
BACKOFF_CAP = 900.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What is written down when an attempt has ended."""

    state: State
    # Seconds until the next attempt, of one that is to wait.
    delay: float = 0.0
    error: dict[str, str] | None = None
    # Who is left to reach; None leaves them as they are.
    recipients: Sequence[str] | None = None
    refused: Mapping[str, str] = field(default_factory=dict)
    # A task's return value, as {"value": …}.
    result: dict[str, Any] | None = None
    # The mail server could not be used at all: whatever comes next would meet the same.
    unreachable: bool = False


def backoff(attempts: int, *, base: float = BACKOFF_BASE, cap: float = BACKOFF_CAP) -> float:
    """Seconds to wait after so many attempts: exponential, capped, with full jitter.

    Jitter over the whole range: commands that failed together do not come back together.
    """
    return random.uniform(0, min(cap, base * 2 ** min(attempts - 1, 30)))  # noqa: S311


def done() -> Outcome:
    """It went out."""
    return Outcome(State.DONE)


def later(reason: str, *, attempts: int, unreachable: bool = False) -> Outcome:
    """It did not work this time."""
    return Outcome(State.WAITING, delay=backoff(attempts), error={"reason": reason}, unreachable=unreachable)


def dead(reason: str) -> Outcome:
    """It will never work."""
    return Outcome(State.DEAD, error={"reason": reason})


def loggable(error: Mapping[str, str]) -> str:
    """Why an attempt failed, without anyone's address and without the words of a task's error."""
    return error.get("exception") or _LOCAL_PART.sub("…@", error["reason"])

"""What the site attaches to the delivery of mail. The site knows what a message is about; the queue does not.

A hook recognizes its messages by their Message-ID. It runs in the worker, outside any transaction, and once
more if the worker is killed before it settles the message.
"""

import logging
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple

from apps.commandqueue.core.outcomes import Outcome
from apps.commandqueue.core.store import Attempt
from apps.commandqueue.models import State

log = logging.getLogger(__name__)


class Answer(NamedTuple):
    """What the mail server answered to one attempt: for each refused recipient its 5xx reply."""

    message_id: str
    accepted: Collection[str]
    refused: Mapping[str, str]


# Called after each attempt in which a recipient was accepted, or refused for good.
on_answer: list[Callable[[Answer], None]] = []
# Called with the Message-ID before each attempt. If one returns False, the message is discarded.
before_delivery: list[Callable[[str], bool]] = []


def is_wanted(attempt: Attempt) -> bool:
    """Whether every hook lets the message pass. Raises what a hook raises."""
    return all(hook(attempt.message_id) for hook in before_delivery)


def report(attempt: Attempt, outcome: Outcome) -> None:
    """Hand the server's answer to the hooks. What a hook raises is logged: the message is settled anyway."""
    answer = Answer(attempt.message_id, _accepted(attempt, outcome), outcome.refused)
    if not (answer.accepted or answer.refused):
        return
    for hook in on_answer:
        try:
            hook(answer)
        except Exception:
            log.exception("command %s: a hook failed", attempt.id)


def _accepted(attempt: Attempt, outcome: Outcome) -> list[str]:
    if outcome.state == State.DONE:
        return attempt.recipients
    if outcome.recipients is None:  # the message as a whole failed
        return []
    return [to for to in attempt.recipients if to not in outcome.recipients and to not in outcome.refused]

"""What a check of the audit came to."""

from enum import IntEnum
from typing import NamedTuple


class Outcome(IntEnum):
    """The exit status of the audit is that of its worst check."""

    FINE = 0
    FOUND = 1
    NOT_CHECKED = 3


class Result(NamedTuple):
    outcome: Outcome
    text: str


def worst(results: list[Result]) -> Outcome:
    """A fault that was found counts more than what could not be looked for."""
    outcomes = {result.outcome for result in results}
    return next((one for one in (Outcome.FOUND, Outcome.NOT_CHECKED) if one in outcomes), Outcome.FINE)

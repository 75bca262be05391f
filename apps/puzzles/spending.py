"""Taking a puzzle: once, in PostgreSQL, at any concurrency."""

from enum import Enum

from django.core.cache import caches
from django.http import HttpRequest
from django.utils.crypto import salted_hmac

from apps import limits
from apps.puzzles.puzzle import LIFETIME, Puzzle


class Outcome(Enum):
    """What became of the puzzle of a form."""

    TAKEN = "taken"
    # It is missing, forged, too old, for another form, or was taken with another one.
    USELESS = "useless"
    WRONG = "wrong"
    TOO_SOON = "too soon"
    # Too many from this network came without a solution.
    TOO_MANY = "too many"


def spend(request: HttpRequest, puzzle: Puzzle | None, solution: str, *, what: str) -> Outcome:
    """Takes the puzzle for ``what``, which tells a form that is sent again from another one.

    Must not run inside a transaction. Raises OperationalError if PostgreSQL does not answer.
    """
    if puzzle is None:
        return Outcome.USELESS
    if solution:
        if not puzzle.is_solved_by(solution):
            return Outcome.WRONG
        return Outcome.TAKEN if _take(puzzle, what) else Outcome.USELESS
    if puzzle.wait:
        return Outcome.TOO_SOON
    if not (decision := limits.hit("puzzle_wait", limits.client_network(request))):
        return Outcome.TOO_MANY
    if _take(puzzle, what):
        return Outcome.TAKEN
    decision.refund()
    return Outcome.USELESS


def _take(puzzle: Puzzle, what: str) -> bool:
    """Of all that bring the puzzle, the first has it; a double click has it again."""
    store, key = caches["default"], f"puzzle:{puzzle.key}"
    mark = salted_hmac("apps.puzzles", what, algorithm="sha256").hexdigest()
    if store.add(key, mark, LIFETIME):
        return True
    return store.get(key) == mark and bool(limits.hit("puzzle_again", puzzle.key))

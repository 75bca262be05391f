"""A form that asks for a puzzle while the policy says so."""

from typing import Any

from django import forms
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from apps.policy.queries import current as current_policy
from apps.puzzles.puzzle import BITS, LIFETIME, PARTS, ROUNDS, WAIT_SECONDS, Puzzle
from apps.puzzles.spending import Outcome, spend


class PuzzledForm(forms.BaseForm):
    """`puzzle` is what the template ``puzzles/_puzzle.html`` shows; `spend_puzzle` is called by `clean`."""

    purpose: str
    # What the page shows: a puzzle of the form, unless it was taken or is of no use, or a new one.
    _shown: Puzzle | None = None
    _solution = ""

    @property
    def puzzle(self) -> dict[str, Any] | None:
        """None if none is asked for, or if nothing can be read just now."""
        if not self.asks_for_puzzle():
            return None
        self._shown = shown = self._shown or Puzzle.new(self.purpose)
        facts = {"parts": PARTS, "bits": BITS, "rounds": ROUNDS, "lifetime": LIFETIME}
        return facts | {"text": shown.text, "solution": self._solution, "wait": WAIT_SECONDS}

    def spend_puzzle(self, request: HttpRequest, *, what: str) -> bool:
        """Whether the form may go on; else it has an error that says what to do."""
        if not current_policy().asks_for_work:
            return True
        text, solution = (str(self.data.get(name, "")).strip() for name in ("puzzle", "solution"))
        puzzle = Puzzle.read(text, self.purpose)
        outcome = spend(request, puzzle, solution, what=what)
        if outcome in (Outcome.TOO_SOON, Outcome.TOO_MANY):
            self._shown = puzzle
        if outcome is not Outcome.TAKEN:
            self.add_error(None, _said(outcome, puzzle))
        return outcome is Outcome.TAKEN

    def keep_puzzle(self) -> None:
        """For a form that comes back for another reason, before its puzzle was spent."""
        text, solution = (str(self.data.get(name, "")).strip() for name in ("puzzle", "solution"))
        self._shown = Puzzle.read(text, self.purpose)
        self._solution = solution if self._shown and self._shown.is_solved_by(solution) else ""

    def asks_for_puzzle(self) -> bool:
        """Not if nothing can be read just now: then nothing is taken either."""
        try:
            return current_policy().asks_for_work
        except (OperationalError, InterfaceError):
            return False


def _said(outcome: Outcome, puzzle: Puzzle | None) -> str:
    if outcome is Outcome.TOO_SOON and puzzle is not None:
        text = ngettext(
            "that was quick! robots are. give it %(n)d second, then send it once more.",
            "that was quick! robots are. give it %(n)d seconds, then send it once more.",
            puzzle.wait,
        )
        return text % {"n": puzzle.wait}
    if outcome is Outcome.TOO_MANY:
        return _(
            "many forms without scripts came from where you are, just now. switch scripts on for this page, "
            "or try again in an hour."
        )
    return _("this form was open for long, or was sent before. have a look, and send it once more.")

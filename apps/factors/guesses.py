"""Counts codes that are tried, before they are read: parallel guesses are limited too."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from apps import limits


class Guess:
    """One try. It is refused if ``refusal`` is not None."""

    def __init__(self, request: HttpRequest, user: AbstractBaseUser) -> None:
        here = limits.hit("factor", user.pk, limits.client_network(request))
        self._counted = [here]
        if here:
            self._counted.append(limits.hit("factor_anywhere", user.pk))
        self.refusal = next((decision for decision in self._counted if not decision), None)
        if here and self.refusal:
            here.refund()

    def refund(self) -> None:
        """It was right."""
        for decision in self._counted:
            decision.refund()

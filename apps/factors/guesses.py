"""Counts codes that are tried, before they are read: parallel guesses are limited too."""

from django.contrib.auth.base_user import AbstractBaseUser
from django.http import HttpRequest

from apps import limits


class Guess:
    """One try. It is refused if ``refusal`` is not None."""

    def __init__(self, request: HttpRequest, user: AbstractBaseUser, *, is_signed_in: bool = False) -> None:
        """Sessions have a count of their own: a stolen one must not use up what its owner signs in with."""
        who = () if is_signed_in else (limits.client_network(request),)
        here = limits.hit("factor_again" if is_signed_in else "factor", user.pk, *who)
        self._counted = [here]
        if here and not is_signed_in:
            self._counted.append(limits.hit("factor_anywhere", user.pk))
        self.refusal = next((decision for decision in self._counted if not decision), None)
        if here and self.refusal:
            here.refund()

    def refund(self) -> None:
        """It was right."""
        for decision in self._counted:
            decision.refund()

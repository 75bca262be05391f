"""What texts say of a person, and how it is left out of texts that stay."""

import re
from typing import Any, NamedTuple

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db.models import Func, Q, QuerySet, Value

from apps.accounts.models import FormerName, User

REPLACEMENT = "…"  # no name, whatever people are called


class Identity(NamedTuple):
    """User name and former ones; addresses, as typed and in lower case."""

    names: list[str]
    addresses: list[str]

    @property
    def words(self) -> str:
        """A regular expression, of PostgreSQL too: a name as a word, or an address."""
        return _outside_words(*self.names, *self.addresses)

    @property
    def references(self) -> str:
        """A regular expression, of PostgreSQL too: @name, the page of a name, or an address."""
        said = (f"{sign}{name}" for name in self.names for sign in ("@", f"{settings.SITE_URL}/"))
        return _outside_words(*said, *self.addresses)


def identity(person_id: int) -> Identity:
    """Empty if the user is deleted."""
    person = User.objects.filter(pk=person_id).first()
    if person is None:
        return Identity([], [])
    former = FormerName.objects.filter(user=person_id).values_list("name", flat=True)
    known = EmailAddress.objects.filter(user=person_id).values_list("email", flat=True)
    addresses = {spelling for email in (person.email, *known) for spelling in (email, email.lower())}
    return Identity([person.username, *former], sorted(addresses))


def without(pattern: str, text: str) -> str:
    return re.sub(pattern, REPLACEMENT, text, flags=re.IGNORECASE)


def leave_out(pattern: str, rows: QuerySet[Any], limit: int, *columns: str) -> int:
    """Replaces what the pattern finds in texts of up to ``limit`` rows. Returns how many.

    PostgreSQL does both, finding and replacing: with two implementations, a row that only one of them matches
    would be selected again on each run, and the deletion would not end.
    """
    found = Q(*((f"{column}__iregex", pattern) for column in columns), _connector=Q.OR)
    ids = list(rows.filter(found).values_list("pk", flat=True)[:limit])
    left = {
        column: Func(column, Value(pattern), Value(REPLACEMENT), Value("gi"), function="regexp_replace")
        for column in columns
    }
    return rows.model._base_manager.filter(pk__in=ids).update(**left)


def _outside_words(*said: str) -> str:
    longest_first = sorted(said, key=len, reverse=True)
    return rf"(?<!\w)({'|'.join(map(re.escape, longest_first))})(?!\w)"

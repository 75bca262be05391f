"""Deletes the commands about a person: mail to them or with their name or address, and tasks.

It reads the whole table, which is short: finished commands are purged. A person is erased rarely.
"""

import datetime
import re
from collections.abc import Collection, Iterator
from email import message_from_bytes, policy
from itertools import chain, islice
from typing import NamedTuple

from django.db import transaction
from django.db.models import Max, Min, Q, TextField
from django.db.models.expressions import RawSQL

from apps.commandqueue.models import Command, Kind, State

_PIECE = 20_000  # ids
_SAID = "concat_ws(' ', message_id, arguments, result, errors, refused)"


class Person(NamedTuple):
    """What a command says of a person. ``links`` begin the addresses of their pages."""

    number: int
    names: Collection[str]
    addresses: Collection[str]
    links: Collection[str]

    @property
    def pattern(self) -> str:
        """For the columns of commands; the number as in JSON and in Message-IDs."""
        words = "|".join(re.escape(word) for word in (*self.names, *self.addresses))
        return rf"(^|[^\w])({words})($|[^\w])|[\[ ]{self.number}[,\]}}]|\.{self.number}\."

    @property
    def in_mail(self) -> re.Pattern[str]:
        """For the text of a mail to someone else, which is not lost for a mere word."""
        words = [*self.links, *self.addresses, *(f"@{name}" for name in self.names)]
        return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, words))})(?:(?<=/)|(?!\w))", re.IGNORECASE)


class Erased(NamedTuple):
    """How many commands were deleted; if none, how many a worker has or will run."""

    number: int
    in_use: int


def erase(person: Person, *, before: datetime.datetime, limit: int) -> Erased:
    """Deletes mail to or about the person, and what finished tasks leave. Waiting tasks are left to workers.

    Of those, commands that were enqueued ``before`` are in use: later ones are not about the person.
    """
    doomed = list(islice(chain(_commands(person), _mails(person.in_mail)), limit))
    if number := _delete(doomed):
        return Erased(number, 0)
    active = Command.objects.filter(state__in=(State.WAITING, State.LEASED), created_at__lt=before)
    is_task = Q(kind=Kind.TASK, arguments__iregex=person.pattern)
    return Erased(0, active.filter(is_task | Q(recipients__overlap=list(person.addresses))).count())


@transaction.atomic
def _delete(ids: list[int]) -> int:
    rows = Command.objects.filter(pk__in=ids).exclude(state=State.LEASED)
    locked = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
    return Command.objects.filter(pk__in=list(locked)).delete()[0]


def _commands(person: Person) -> Iterator[int]:
    """The ids of mail to the person, and of finished commands that name the person."""
    said = Command.objects.annotate(said=RawSQL(_SAID, (), TextField()))  # noqa: S611 - no input in it
    is_history = Q(state__in=(State.DONE, State.DEAD, State.DISCARDED), body__isnull=True)
    theirs = Q(recipients__overlap=list(person.addresses)) | Q(is_history, said__iregex=person.pattern)
    rows = said.exclude(state=State.LEASED).filter(theirs)
    ends = Command.objects.aggregate(first=Min("pk"), last=Max("pk"))
    # Piece by piece: one statement for a long table would exceed its time limit.
    for start in range(ends["first"] or 0, (ends["last"] or 0) + 1, _PIECE):
        yield from rows.filter(pk__gte=start, pk__lt=start + _PIECE).values_list("pk", flat=True)


def _mails(pattern: re.Pattern[str]) -> Iterator[int]:
    """The ids of stored mails in which the pattern occurs."""
    stored = Command.objects.filter(kind=Kind.MAIL, body__isnull=False).exclude(state=State.LEASED)
    after = 0
    while some := list(stored.filter(pk__gt=after).order_by("pk").values_list("pk", "body")[:100]):
        after = some[-1][0]
        yield from (pk for pk, body in some if body and pattern.search(_text(bytes(body))))


def _text(body: bytes) -> str:
    """The headers and the texts of a mail, decoded."""
    message = message_from_bytes(body, policy=policy.default)
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*map(str, message.values()), *texts])

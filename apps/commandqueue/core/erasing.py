"""Deletes the commands about a person: mail to them or with their name or address, and tasks.

It reads the whole table, which is short: finished commands are purged. A person is erased rarely.
"""

import datetime
import re
from collections.abc import Collection, Iterator
from email import message_from_bytes, policy
from typing import NamedTuple

from django.db import transaction
from django.db.models import F, Q, TextField
from django.db.models.expressions import RawSQL

from apps.commandqueue.models import Command, Kind, State

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
    """How many commands were deleted, and how many more a worker has or will run."""

    number: int
    in_use: int


@transaction.atomic
def erase(person: Person, *, before: datetime.datetime, limit: int) -> Erased:
    """Deletes mail to or about the person, and what finished tasks leave. Waiting tasks are left to workers.

    Of those, commands that were enqueued ``before`` are in use: later ones are not about the person.
    """
    said = Command.objects.annotate(said=RawSQL(_SAID, (), TextField()))  # noqa: S611 - no input in it
    to_person = Q(recipients__overlap=list(person.addresses))
    is_history = Q(state__in=(State.DONE, State.DEAD, State.DISCARDED), body__isnull=True)
    free = said.exclude(state=State.LEASED).filter(Q(to_person) | Q(is_history, said__iregex=person.pattern))
    doomed = list(free.values_list("pk", flat=True)[:limit]) or list(_mails(person.in_mail, limit))
    rows = Command.objects.filter(pk__in=doomed).exclude(state=State.LEASED)
    locked = rows.select_for_update(skip_locked=True).values_list("pk", flat=True)
    number, _ = Command.objects.filter(pk__in=list(locked)).delete()
    runs = Q(kind=Kind.TASK, state__in=(State.WAITING, State.LEASED), arguments__iregex=person.pattern)
    in_use = Command.objects.filter(runs | Q(to_person, state=State.LEASED), created_at__lt=before)
    return Erased(number, 0 if number else in_use.count())


def _mails(pattern: re.Pattern[str], limit: int) -> Iterator[int]:
    """The ids of stored mails in which the pattern occurs."""
    stored = Command.objects.filter(kind=Kind.MAIL, body__isnull=False).exclude(state=State.LEASED)
    for command_id, body in stored.order_by("pk").values_list(F("pk"), "body").iterator(chunk_size=100):
        if limit and pattern.search(_text(bytes(body))):
            limit -= 1
            yield command_id


def _text(body: bytes) -> str:
    """The headers and the texts of a mail, decoded."""
    message = message_from_bytes(body, policy=policy.default)
    texts = [part.get_content() for part in message.walk() if part.get_content_maintype() == "text"]
    return "\n".join([*map(str, message.values()), *texts])

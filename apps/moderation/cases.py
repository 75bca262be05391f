"""Things that can be reported, and their cases."""

from typing import NamedTuple

from apps.accounts.models import User
from apps.kwips.models import Kwip
from apps.messages.models import Message
from apps.moderation.models import Case, Kind


class Thing(NamedTuple):
    """What a case is about. ``text`` is a copy, as of now."""

    kind: Kind
    subject: int
    person_id: int
    text: str


def of_kwip(kwip: Kwip) -> Thing:
    return Thing(Kind.KWIP, kwip.pk, kwip.author_id, kwip.noted_text)


def of_message(message: Message) -> Thing:
    """A message that its recipient has."""
    return Thing(Kind.MESSAGE, message.pk, message.other_id, message.text)


def of_person(person: User) -> Thing:
    return Thing(Kind.PERSON, person.pk, person.pk, f"{person.name}\n\n{person.bio}".strip())


def open_case(thing: Thing) -> Case:
    """The open case of the thing, locked. The caller has a transaction."""
    while True:
        Case.objects.bulk_create(
            [Case(kind=thing.kind, subject=thing.subject, person_id=thing.person_id, text=thing.text)],
            ignore_conflicts=True,
        )
        rows = Case.objects.select_for_update(no_key=True)
        found = rows.filter(kind=thing.kind, subject=thing.subject, closed_at__isnull=True).first()
        if found is not None:  # else it was closed since
            return found

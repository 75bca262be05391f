"""Reads of the security log."""

from collections.abc import Mapping

from django.db.models import QuerySet

from apps.keyset import KeysetOrder, Page, from_queryset, paginate
from apps.securitylog.event import NOT_FOR_PERSON
from apps.securitylog.models import Entry

PAGE_SIZE = 40


def all_of_person(person_id: int) -> QuerySet[Entry]:
    """What its owner may know, also what became of their account by others."""
    return Entry.objects.filter(user_id=person_id).exclude(event__in=NOT_FOR_PERSON)


def of_person(person_id: int, arguments: Mapping[str, str]) -> Page[Entry]:
    """What happened to an account, newest first, as far as it is for its owner. Raises `BadCursor`."""
    rows = all_of_person(person_id)
    order = KeysetOrder(f"security {person_id}")
    return paginate(arguments, order, from_queryset(rows, order), limit=PAGE_SIZE)

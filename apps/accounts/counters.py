"""Counters on people's rows: moved inside the transaction that adds or removes what they count."""

from collections import defaultdict
from collections.abc import Mapping

from django.db import connection
from django.db.models import F

from apps.accounts import events
from apps.accounts.models import User


def lock_people(user_ids: set[int]) -> dict[int, User]:
    """Locks these people's rows for the rest of the transaction, in the order of their ids.

    The one order keeps two actions on the same people from waiting for each other. It is a NO KEY lock:
    rows that refer to a person can still be inserted meanwhile. Returns the people found, by id.
    """
    people = User.objects.select_for_update(no_key=True).filter(pk__in=user_ids).order_by("pk")
    return {person.pk: person for person in people}


def move_counters(
    changes: Mapping[int, Mapping[str, int]], *, people: Mapping[int, User] | None = None
) -> None:
    """Adds to the counters of people: ``{user id: {counter's name: by how much}}``.

    ``people`` are those that the transaction has locked already: exactly the ones in ``changes``. Must run
    inside a transaction, after every lock on kwips that the transaction takes.
    """
    assert connection.in_atomic_block, "counters move with what they count"  # noqa: S101
    people = lock_people(set(changes)) if people is None else people
    # All who move alike in one statement: a kwip may be the favourite of thousands.
    alike: defaultdict[frozenset[tuple[str, int]], list[int]] = defaultdict(list)
    for user_id, moves in changes.items():
        alike[frozenset((name, by) for name, by in moves.items() if by)].append(user_id)
    for moved, user_ids in alike.items():
        User.objects.filter(pk__in=user_ids).update(**{name: F(name) + by for name, by in moved})
    events.counters_moved.emit(events.CountersMoved(list(people.values())))

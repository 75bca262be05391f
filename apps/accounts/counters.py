"""Counters of users, updated in the transaction that adds or removes the counted row."""

from collections import defaultdict
from collections.abc import Mapping

from django.db import connection
from django.db.models import F

from apps.accounts import events
from apps.accounts.models import User


def lock_people(user_ids: set[int]) -> dict[int, User]:
    """Locks user rows in the order of their ids, which prevents deadlocks; returns them by id.

    The lock is NO KEY: other transactions can still insert rows that refer to these users.
    """
    people = User.objects.select_for_update(no_key=True).filter(pk__in=user_ids).order_by("pk")
    return {person.pk: person for person in people}


def move_counters(
    changes: Mapping[int, Mapping[str, int]], *, people: Mapping[int, User] | None = None
) -> None:
    """Adds ``{user id: {counter: delta}}`` to the counters.

    ``people`` are the rows of exactly these users if the caller has locked them. Call it inside a
    transaction, after all its locks on kwips.
    """
    assert connection.in_atomic_block, "counters need a transaction"  # noqa: S101
    people = lock_people(set(changes)) if people is None else people
    # One statement for all users with the same changes: thousands may have favourited one kwip.
    alike: defaultdict[frozenset[tuple[str, int]], list[int]] = defaultdict(list)
    for user_id, moves in changes.items():
        alike[frozenset((name, by) for name, by in moves.items() if by)].append(user_id)
    for moved, user_ids in alike.items():
        User.objects.filter(pk__in=user_ids).update(**{name: F(name) + by for name, by in moved})
    events.counters_moved.emit(events.CountersMoved({pk: person.username for pk, person in people.items()}))

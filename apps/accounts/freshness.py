"""What was cached of something that changed is forgotten, once the change is committed and not before.

Whatever changes a row that is cached calls `changed`, in the transaction of the change. Its hook runs
ahead of all other commit hooks: whoever is told of the change by one of those reads what is new.
"""

from collections.abc import Iterable

from django.db import connection

from apps import lookaside


def user_key(user_id: int) -> str:
    """Where a user object is cached."""
    return f"user:{user_id}"


def session_key(key: str) -> str:
    """Where a session is cached."""
    return f"session:{key}"


def changed(*, cache: Iterable[str]) -> None:
    """Forgets these entries of the look-aside cache: on commit, or at once outside of transactions.

    One hook a call, not one for the whole transaction: a savepoint that is rolled back takes its own hooks
    along, and must not take those of others. A delete that failed is retried by a command; whatever happens,
    an entry lives 300 seconds.
    """
    keys = sorted(set(cache))

    def forget() -> None:
        lookaside.cache().invalidate(keys)

    if connection.in_atomic_block:
        # In front of the others, and robust: as `transaction.on_commit` would have added it at the end.
        hook = (set(connection.savepoint_ids), forget, True)
        connection.run_on_commit.insert(0, hook)  # type: ignore[arg-type]
    else:
        forget()

"""What was cached of something that changed is forgotten, once the change is committed and not before.

Two caches: entries of the look-aside cache, and pages that strangers see, by their surrogate keys. Which
keys a page carries stands at its view, by `public_page`; these are the words they are made of.

Whatever changes a row that is cached calls `changed`, in the transaction of the change. Its hook runs
ahead of all other commit hooks: whoever is told of the change by one of those reads what is new.
"""

from collections.abc import Iterable

from django.db import connection

from apps import lookaside, pagecache


def user_key(user_id: int) -> str:
    """Where a user object is cached."""
    return f"user:{user_id}"


def session_key(key: str) -> str:
    """Where a session is cached."""
    return f"session:{key}"


# Every page that shows people: their names and pictures.
PEOPLE = "people"
# Lists of people, with what they say of themselves.
BIOS = "bios"
# The list of all names.
NAMES = "names"
EVERYONE = "everyone"


def user_pages(username: str) -> str:
    """The pages of one person."""
    return f"user:{username}"


def kwip_pages(kwip_id: int | str) -> str:
    """The pages of one kwip: itself with its conversation, what it said before."""
    return f"kwip:{kwip_id}"


def tag_pages(name: str) -> str:
    """The pages of one tag."""
    return f"tag:{name}"


def changed(*, cache: Iterable[str] = (), pages: Iterable[str] = ()) -> None:
    """Forgets these entries of the look-aside cache and then purges these pages: on commit, or at once
    outside of transactions. In the other order a page could be made of an old entry, and kept.

    One hook a call, not one for the whole transaction: a savepoint that is rolled back takes its own hooks
    along, and must not take those of others. A delete that failed is retried by a command; whatever happens,
    an entry lives 300 seconds.
    """
    keys, families = sorted(set(cache)), sorted(set(pages))

    def forget() -> None:
        if keys:
            lookaside.cache().invalidate(keys)
        if families:
            pagecache.purge(families)

    if connection.in_atomic_block:
        # In front of the others, and robust: as `transaction.on_commit` would have added it at the end.
        hook = (set(connection.savepoint_ids), forget, True)
        connection.run_on_commit.insert(0, hook)  # type: ignore[arg-type]
    else:
        forget()

"""Empties the database after a test with transactions, in a tenth of the time of Django's `flush`.

`flush` truncates every table, which makes new files for each of them and for their indexes, and then sends
``post_migrate``, whose receivers write every content type and permission anew. Most tests write a few rows
into a few tables: these rows are deleted, and content types and permissions stay.
"""

from typing import Any

from django.db import IntegrityError, connection
from django.test import TransactionTestCase

# Written by `migrate` alone.
KEPT = {"django_content_type", "auth_permission"}
# The site's role may not delete from these (`moderation.Action`, `securitylog.Entry`); no foreign key points
# to them. The plugin lets tests truncate them.
APPEND_ONLY = {"moderation_action", "securitylog_entry"}
# Bytes of a table above which dead rows would be read by the tests that come after.
LARGE = 256 * 1024


# A browser that leaves a page may still write, between the look at the tables and their emptying.
TRIES = 3


def empty_tables(_: Any = None) -> None:
    """Empties the tables, again if a late request wrote meanwhile."""
    for tries_left in reversed(range(TRIES)):
        try:
            return _empty()
        except IntegrityError:
            if not tries_left:
                raise
    return None


def _empty() -> None:
    """Deletes what is in the tables, truncates what is append-only; truncates all if one is large."""
    names = set(connection.introspection.django_table_names(only_existing=True, include_views=False)) - KEPT
    quoted = {name: connection.ops.quote_name(name) for name in sorted(names)}
    with connection.cursor() as cursor:
        cursor.execute(
            " UNION ALL ".join(
                f"(SELECT '{name}', pg_relation_size('{table}') FROM {table} LIMIT 1)"
                for name, table in quoted.items()
            )
        )
        sizes = dict(cursor.fetchall())
        if any(size > LARGE for size in sizes.values()):
            cursor.execute(f"TRUNCATE {', '.join(quoted.values())}")
        elif sizes:
            # One transaction: foreign keys are checked at its end, in any order.
            empty = {True: "TRUNCATE", False: "DELETE FROM"}
            cursor.execute(";".join(f"{empty[name in APPEND_ONLY]} {quoted[name]}" for name in sizes))


def install() -> None:
    """Makes every `TransactionTestCase`, pytest-django's too, empty the database this way."""
    TransactionTestCase._fixture_teardown = empty_tables  # type: ignore[attr-defined]

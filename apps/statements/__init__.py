"""Custom SQL: ``.sql`` files with a header, fragments, and PREPARE once a connection.

In one minute: SQL that matters is a file of its own. Its header names the index that serves it and the
types of its parameters. A connection prepares a hot statement at first use, and executes it by name from
then on.

    everyone.sql ─┐ {visible} {unmuted}   first use: PREPARE feeds_everyone_desc (bigint, …) AS …
    entries.sql  ─┴─► SqlFolder.load ─► Statement ─► connection ─► every use: EXECUTE feeds_everyone_desc (…)

Read in this order: ``apps/feeds/sql/everyone.sql``, `files.py`, `prepared.py`, ``apps/feeds/statements.py``.

Problem (2008)
    Kwippy pasted conditions into ``.extra(where=[…])``, some of them injectable. No one could see which
    index served a query. Planning a timeline takes as long as running it, and psycopg2 prepares nothing.

Mechanism
    - `SqlFolder` is the files of one folder. A header has a purpose, ``-- index: name (columns), …`` (or
      ``none, reason``) and ``-- types: name type, …``; a parameter that it does not name is bigint.
    - ``{fragment}`` includes FRAGMENT.sql of the folder, or what the caller passes: the visibility
      predicate, the direction (``{beyond}``, ``{order}``). Never a value: values are ``%(parameters)s``.
    - `Statement.execute` sends it whole, planned for its parameters. `Statement.execute_prepared` uses
      SQL's PREPARE and EXECUTE. PREPARE is sent past Django's cursor. `execute_together` executes several
      in one round trip.
    - A SELECT without a lock or side effect is marked: `apps.dbpool` then resets no session.
    - A migration or DEALLOCATE can make a prepared statement unusable. It is prepared again and repeated,
      inside a transaction after a rollback to a savepoint that was sent in the same round trip. The first
      statement of a transaction needs no savepoint.

Switch
    ``PREPARED_STATEMENTS``: off behind a PgBouncer in transaction mode; all statements are then sent whole.

Invariant
    Header, SQL and database agree: ``tests/operations/test_sql_files.py`` prepares each file and looks up
    each index. No statement is repeated unless its failed attempt is undone.

When it fails
    A statement that stays unusable raises `Unusable`, an ``OperationalError``: the site answers 503.

How to measure
    ``make bench SUBJECT=timelines`` measures timelines, and their figure is that of `apps.feeds`; preparing
    has no published figure of its own. ``manage.py explainfeeds``.
"""

from apps.statements.files import Sql, SqlFolder
from apps.statements.prepared import SAVEPOINT, Statement, Unusable, execute_together

__all__ = ["SAVEPOINT", "Sql", "SqlFolder", "Statement", "Unusable", "execute_together"]

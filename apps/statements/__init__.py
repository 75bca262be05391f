"""Statements that each connection to PostgreSQL prepares once, and runs by name from then on.

psycopg2 prepares nothing by itself, so this is SQL's own PREPARE. It pays where PostgreSQL takes as long to
plan a statement as to run it. With ``PREPARED_STATEMENTS`` off in the settings statements are sent whole each
time, as is needed behind a PgBouncer that hands out connections by the transaction.

A prepared statement can become unusable while its connection lives: a migration changes the type of a column
that it returns, or the connection's statements were deallocated. Then it is prepared anew and run again, once
its failed run has been undone: outside a transaction there is nothing to undo, inside one a savepoint is set
in the same round trip.
"""

from apps.statements.files import Sql, SqlFolder
from apps.statements.prepared import SAVEPOINT, Statement, Unusable

__all__ = ["SAVEPOINT", "Sql", "SqlFolder", "Statement", "Unusable"]

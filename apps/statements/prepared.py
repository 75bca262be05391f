"""Statements: sent whole, or PREPARE once a connection and EXECUTE, both again when one became unusable."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import Error, OperationalError, connection
from django.db.backends.utils import CursorWrapper
from psycopg2 import extensions

_PARAMETER = re.compile(r"%\((\w+)\)s")
# Consecutive migrations can make a statement unusable again; so many times in a row, something else is wrong.
_ATTEMPTS = 3
# Sent in the same message as an EXECUTE that is not the first of a transaction; it ends with the transaction.
SAVEPOINT = "SAVEPOINT prepared; "
_UNDO = "ROLLBACK TO SAVEPOINT prepared"


# One SELECT that locks no row and calls no function known to change the session. `pg_unicode_fast` is a
# collation.
_SELECT = re.compile(r"\s*(SELECT|WITH)\b", re.IGNORECASE)
_CHANGES = re.compile(
    r";|\b(INSERT|UPDATE|DELETE|MERGE|INTO|SHARE|set_config|nextval|setval|pg_(?!unicode_fast\b)\w+|lo_\w+|dblink\w*)\b",
    re.IGNORECASE,
)


class ReadOnlySql(str):
    """SQL that leaves its session as it was. `apps.dbpool` resets no session that executed nothing else."""

    changes_session = False


class Unusable(OperationalError):
    """The statement became unusable after each PREPARE. The site answers 503."""


@dataclass
class _Known:
    """The prepared statements of one connection, by name."""

    # PREPARE was sent: its answer may be lost, and the statement may have become unusable since.
    sent: set[str] = field(default_factory=set)
    usable: set[str] = field(default_factory=set)


# An entry goes with its connection.
_on_connection: WeakKeyDictionary[object, _Known] = WeakKeyDictionary()


@dataclass(frozen=True)
class Statement:
    """A statement with ``%(named)s`` parameters. ``types`` has those of them that are not bigint.

    ``file`` names its file, for PostgreSQL's statistics and logs; ``name`` is what it is prepared as, unique
    among all statements.
    """

    file: str
    name: str
    sql: str
    types: Mapping[str, str] = field(default_factory=dict)

    @cached_property
    def text(self) -> str:
        """The SQL as it is sent whole."""
        return self._marked(self.sql)

    def execute(self, cursor: CursorWrapper, parameters: Mapping[str, Any]) -> None:
        """Send it whole: PostgreSQL plans it for these parameters."""
        cursor.execute(self.text, parameters)

    def execute_prepared(self, cursor: CursorWrapper, parameters: Mapping[str, Any]) -> None:
        """Execute it by name, after PREPARE if this connection has not prepared it.

        PREPARE does not count among a page's queries: it is sent once, past Django's cursor. Raises
        DatabaseError; Unusable if the statement became unusable repeatedly.
        """
        execute_together(cursor, [self], parameters)

    def _prepare(self, raw: Any, known: _Known) -> None:
        if self.name in known.sent and _send(
            raw, "SELECT FROM pg_prepared_statements WHERE name = %s", [self.name]
        ):
            _send(raw, f"DEALLOCATE {self.name}")
        known.sent.add(self.name)
        _send(raw, self.prepare)
        known.usable.add(self.name)

    @cached_property
    def prepare(self) -> str:
        """The PREPARE statement."""
        body = _PARAMETER.sub(lambda found: f"${self._places[found[1]]}", self.sql).replace("%%", "%")
        types = ", ".join(self.types.get(name, "bigint") for name in self._places)
        return f"PREPARE {self.name} {f'({types}) ' if types else ''}AS {body}"

    @cached_property
    def is_read_only(self) -> bool:
        """Whether it leaves its session as it was. A test asks PostgreSQL about each that says so."""
        return _SELECT.match(self.sql) is not None and _CHANGES.search(self.sql) is None

    @cached_property
    def _execute(self) -> str:
        values = ", ".join(f"%({name})s" for name in self._places)
        return self._marked(f"EXECUTE {self.name} {f'({values})' if values else ''}")

    def _marked(self, sql: str) -> str:
        """The SQL after the name of its file."""
        sql = f"/* {self.file} */ {sql}"
        return ReadOnlySql(sql) if self.is_read_only else sql

    @cached_property
    def _places(self) -> dict[str, int]:
        """The parameters, numbered in the order of their first use."""
        return {name: place for place, name in enumerate(dict.fromkeys(_PARAMETER.findall(self.sql)), 1)}


def execute_together(
    cursor: CursorWrapper, statements: Sequence[Statement], parameters: Mapping[str, Any]
) -> None:
    """Execute prepared statements in this order, in one message; the cursor has the rows of the last.

    All take their values from ``parameters``. Each sees what those before it wrote and what other
    transactions committed before it began, as if it were sent alone. Raises as `execute_prepared` does.
    """
    if not getattr(settings, "PREPARED_STATEMENTS", False):
        cursor.execute("; ".join([statement.text for statement in statements]), parameters)
        return
    raw = connection.connection
    known = _on_connection.get(raw) or _on_connection.setdefault(raw, _Known())
    for _ in range(_ATTEMPTS):
        # Before the first statement of a transaction there is nothing to keep: PREPARE outlives a rollback.
        is_first = raw.info.transaction_status == extensions.TRANSACTION_STATUS_IDLE
        for statement in statements:
            if statement.name not in known.usable:
                statement._prepare(raw, known)
        texts = "; ".join([statement._execute for statement in statements])
        if not is_first:
            sql = f"/* {statements[-1].file} */ {SAVEPOINT}{texts}"
        elif len(statements) > 1 or not raw.autocommit:
            sql = f"/* {statements[-1].file} */ {texts}"
        else:
            sql = statements[0]._execute  # which may be a `ReadOnlySql`
        try:
            cursor.execute(sql, parameters)
            return
        except Error as error:
            if not _is_unusable(error):
                raise
            last = error
            known.usable.difference_update(statement.name for statement in statements)
            _roll_back(raw) if is_first else _send(raw, _UNDO)
    raise Unusable(f"{statements[-1].name} became unusable {_ATTEMPTS} times") from last


def _is_unusable(error: Error) -> bool:
    """Whether the error says that the statement must be prepared again."""
    cause = error.__cause__
    code = getattr(cause, "pgcode", None)
    if code == "0A000":  # feature_not_supported, which has other causes too
        return "cached plan" in str(cause)
    # invalid_sql_statement_name: DEALLOCATE or DISCARD.
    return code == "26000"


def _roll_back(raw: Any) -> None:
    """End a transaction that has done nothing else; the next statement begins it again."""
    with connection.wrap_database_errors:
        raw.rollback()


def _send(raw: Any, sql: str, parameters: Any = None) -> int:
    """Run SQL past Django's cursor; returns the number of rows."""
    with connection.wrap_database_errors, raw.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)

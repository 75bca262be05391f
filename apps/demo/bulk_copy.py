"""Bulk loading: COPY in batches, into tables without indexes and foreign keys (rebuilding is faster)."""

import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection
from django.db.models import Model

NULL = "\\N"
BATCH = 40_000  # lines before a COPY: some 10 MB
_CONSTRAINTS = """
    SELECT conrelid::regclass::text, quote_ident(conname), pg_get_constraintdef(oid)
    FROM pg_constraint
    WHERE contype IN ('f', 'u') AND conrelid = ANY(%s::regclass[])
    ORDER BY contype = 'f', conname
"""
_INDEXES = """
    SELECT indexrelid::regclass::text, pg_get_indexdef(indexrelid)
    FROM pg_index
    WHERE indrelid = ANY(%s::regclass[])
      AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
    ORDER BY 1
"""


def escaped(text: str) -> str:
    """The text in the format of COPY."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


class Table:
    """A table: rows of the columns ``names``; other columns have the defaults of their fields."""

    def __init__(self, model: type[Model], names: Sequence[str], *, first_id: int = 1) -> None:
        fields = {field.attname: field for field in model._meta.concrete_fields}
        rest = [
            field
            for name, field in fields.items()
            if name not in names and field.has_default() and not field.null
        ]
        columns = [str(fields[name].column) for name in names] + [str(field.column) for field in rest]
        self.name = model._meta.db_table
        self.next_id = first_id
        self.lines: list[str] = []
        self._end = "".join(f"\t{_value(field.get_default())}" for field in rest) + "\n"
        self._copy = f'COPY "{self.name}" ("{'", "'.join(columns)}") FROM STDIN'

    def add(self, *values: str | int) -> None:
        """Adds a row. Texts must be escaped."""
        self.lines.append("\t".join(map(str, values)) + self._end)

    def take_id(self) -> int:
        """The next id, which no other row gets."""
        self.next_id += 1
        return self.next_id - 1

    def new(self, *values: str | int) -> int:
        """Adds a row with the next id; returns the id."""
        identity = self.take_id()
        self.lines.append(f"{identity}\t" + "\t".join(map(str, values)) + self._end)
        return identity

    def copy(self) -> None:
        if self.lines:
            with connection.cursor() as cursor:
                cursor.cursor.copy_expert(self._copy, io.StringIO("".join(self.lines)), 65_536)
            self.lines.clear()


def copy_when_many(tables: Iterable[Table]) -> None:
    """Copies all tables once they have `BATCH` lines, so that memory stays bounded."""
    tables = tuple(tables)
    if sum(len(table.lines) for table in tables) >= BATCH:
        for table in tables:
            table.copy()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    return escaped(str(value))


@contextmanager
def without_indexes(models: Sequence[type[Model]]) -> Iterator[None]:
    """Locks the tables, and drops their indexes and foreign keys inside the block.

    Requires a transaction. Raises OperationalError if other connections use the tables for longer than
    ``lock_timeout``.
    """
    tables = [model._meta.db_table for model in models]
    with connection.cursor() as cursor:
        cursor.execute(f"LOCK TABLE {', '.join(map(connection.ops.quote_name, tables))}")
        cursor.execute(_CONSTRAINTS, [tables])
        constraints = cursor.fetchall()
        cursor.execute(_INDEXES, [tables])
        indexes = cursor.fetchall()
        for table, name, _ in reversed(constraints):
            cursor.execute(f"ALTER TABLE {table} DROP CONSTRAINT {name}")
        for name, _ in indexes:
            cursor.execute(f"DROP INDEX {name}")
        yield
        # Deferred checks would block ALTER TABLE.
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        for _, definition in indexes:
            cursor.execute(definition)
        for table, name, definition in constraints:
            cursor.execute(f"ALTER TABLE {table} ADD CONSTRAINT {name} {definition}")

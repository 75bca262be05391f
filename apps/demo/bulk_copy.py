"""Brings rows into PostgreSQL through COPY, a bounded number at a time."""

import io
from collections.abc import Iterable, Sequence
from typing import Any

from django.db import connection
from django.db.models import Model

NULL = "\\N"
BATCH = 40_000  # lines waiting for COPY: some 10 MB


def escaped(text: str) -> str:
    """The text as COPY reads it."""
    if "\\" in text:
        text = text.replace("\\", "\\\\")
    if "\t" in text or "\n" in text or "\r" in text:
        text = text.replace("\t", "\\t").replace("\n", "\\n").replace("\r", "\\r")
    return text


class Table:
    """A model's table: rows as the values of ``names``; every other column has its field's default."""

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
        """Adds a row, its id among the values. Texts are escaped already."""
        self.lines.append("\t".join(map(str, values)) + self._end)

    def new(self, *values: str | int) -> int:
        """Adds a row whose first column, its id, is the next one; returns that."""
        identity = self.next_id
        self.next_id += 1
        self.lines.append(f"{identity}\t" + "\t".join(map(str, values)) + self._end)
        return identity

    def copy(self) -> None:
        """Sends the lines that wait."""
        if self.lines:
            with connection.cursor() as cursor:
                cursor.cursor.copy_expert(self._copy, io.StringIO("".join(self.lines)), 65_536)
            self.lines.clear()


def copy_when_many(tables: Iterable[Table]) -> None:
    """Sends what waits for all tables once it is much, so that memory stays bounded."""
    tables = tuple(tables)
    if sum(len(table.lines) for table in tables) >= BATCH:
        for table in tables:
            table.copy()


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return "t" if value else "f"
    return escaped(str(value))

"""Loads the ``.sql`` files of a folder: header, parameter types, fragments."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

from apps.statements.prepared import Statement

_HOLE = re.compile(r"\{(\w+)\}")
_FIELD = re.compile(r"(index|types):\s*(.*)", re.IGNORECASE)


@dataclass(frozen=True)
class Header:
    """The comment lines at the top of a file."""

    purpose: str
    index: str  # as written: "kwip_person (author_id, id DESC), …", or "none: " and the reason
    types: dict[str, str]


class Sql(NamedTuple):
    """SQL whose fragments are filled in, with the types of its parameters that are not bigint."""

    text: str
    types: dict[str, str]

    def statement(self, file: str, name: str) -> Statement:
        return Statement(file, name, self.text, self.types)


class SqlFolder:
    """The ``.sql`` files of one folder.

    ``prefix`` begins the names of its prepared statements: the name of the app. ``fragments`` are available
    to every file, beside the folder's own files.
    """

    def __init__(self, path: Path, prefix: str, **fragments: Sql) -> None:
        self.path = path
        self.prefix = prefix
        self.fragments = fragments

    @cache  # noqa: B019 - a folder lives as long as its module
    def statement(self, name: str) -> Statement:
        """The file as a statement."""
        return self.load(name).statement(f"{name}.sql", f"{self.prefix}_{name}")

    def load(self, name: str, **fragments: str | Sql) -> Sql:
        """The file with each ``{fragment}`` filled in: from ``fragments``, the folder's, or FRAGMENT.sql.

        Raises FileNotFoundError for a fragment that does not exist, LookupError for one that is not used.
        """
        header, body = self.read(name)
        holes = set(_HOLE.findall(body))
        if unused := fragments.keys() - holes:
            raise LookupError(f"{name}.sql does not use {', '.join(sorted(unused))}")
        types: dict[str, str] = {}
        filled: dict[str, str] = {}
        for hole in holes:
            part = fragments.get(hole) or self.fragments.get(hole) or self.load(hole)
            if isinstance(part, Sql):
                types |= part.types
                part = part.text
            filled[hole] = part
        return Sql(_HOLE.sub(lambda found: filled[found[1]], body), types | header.types)

    def read(self, name: str) -> tuple[Header, str]:
        """The file's header, and its SQL without comment lines."""
        lines = (self.path / f"{name}.sql").read_text().splitlines()
        start = next((at for at, line in enumerate(lines) if not line.startswith("--")), len(lines))
        body = "\n".join(line for line in lines[start:] if not line.lstrip().startswith("--"))
        return _header(line.removeprefix("--").strip() for line in lines[:start]), body


def _header(lines: Iterable[str]) -> Header:
    fields = {"purpose": "", "index": "", "types": ""}
    field = "purpose"
    for line in lines:
        if found := _FIELD.fullmatch(line):
            field, line = found[1].lower(), found[2]
        fields[field] = f"{fields[field]} {line}".strip()
    types = dict(entry.split(maxsplit=1) for entry in fields["types"].split(", ") if entry)
    return Header(fields["purpose"], fields["index"], types)

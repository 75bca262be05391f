"""Statements that each connection to PostgreSQL prepares once, and runs by their name from then on.

A timeline's statement is long, and PostgreSQL takes as long to plan it as to run it; the `PREPARE` of SQL
spares that (psycopg2 has none of its own). With `PREPARED_STATEMENTS` off in the settings statements are
sent whole each time, as is needed behind a PgBouncer that hands out connections by the transaction.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection
from django.db.backends.utils import CursorWrapper

_PARAMETER = re.compile(r"%\((\w+)\)s")

# What each connection has prepared. A connection that is closed is forgotten with its statements.
_on_connection: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


@dataclass(frozen=True)
class Prepared:
    """A statement with ``%(named)s`` parameters. ``types`` holds those of them that are not bigint.

    ``file`` is where it stands, for whoever reads PostgreSQL's logs; ``name`` tells it from all others.
    """

    file: str
    name: str
    sql: str
    types: Mapping[str, str] = field(default_factory=dict)

    def execute(self, cursor: CursorWrapper, parameters: Mapping[str, Any]) -> None:
        """Runs it on Django's cursor, after preparing it where the connection has not.

        The preparing is none of the page's queries: it happens once, and past Django's own counting.
        """
        if not settings.PREPARED_STATEMENTS:
            cursor.execute(f"/* {self.file} */ {self.sql}", parameters)
            return
        prepare, execute = self._statements
        raw = connection.connection
        done = _on_connection.setdefault(raw, set())
        if execute not in done:
            with connection.wrap_database_errors, raw.cursor() as once:
                once.execute(prepare)
            done.add(execute)
        cursor.execute(execute, parameters)

    @cached_property
    def _statements(self) -> tuple[str, str]:
        """PREPARE and EXECUTE."""
        places = {name: place for place, name in enumerate(dict.fromkeys(_PARAMETER.findall(self.sql)), 1)}
        body = _PARAMETER.sub(lambda found: f"${places[found[1]]}", self.sql).replace("%%", "%")
        types = ", ".join(self.types.get(name, "bigint") for name in places)
        values = ", ".join(f"%({name})s" for name in places)
        return f"PREPARE {self.name} ({types}) AS {body}", f"/* {self.file} */ EXECUTE {self.name} ({values})"

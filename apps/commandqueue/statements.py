"""The .sql files as statements; the hot ones are prepared once a connection.

PostgreSQL takes longer to plan them than to run them. psycopg2 prepares nothing by itself, so this is SQL's
own PREPARE; with PREPARED_STATEMENTS off in the settings statements are sent whole each time, as is needed
behind a PgBouncer that hands out connections by the transaction.
"""

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

from django.conf import settings
from django.db import connection

DIRECTORY = Path(__file__).parent / "sql"

# Those that are prepared, each parameter with its type. They find rows by primary key, so that one plan is as
# good as another; a claim is not prepared: its plan depends on what waits.
_TYPES: dict[str, dict[str, str]] = {
    "advance": {
        "sent": "bigint", "sent_token": "uuid", "next": "bigint", "next_token": "uuid", "worker": "text",
        "lease": "float8",
    },
    "settle": {
        "state": "text", "delay": "float8", "id": "bigint", "token": "uuid", "error": "jsonb",
        "recipients": "text[]", "refused": "jsonb", "result": "jsonb",
    },
    "enqueue_mail": {
        "lane": "text", "backend": "text", "priority": "smallint", "secret": "boolean", "lifetime": "float8",
        "message_id": "text", "sender": "text", "recipients": "text[]", "body": "bytea",
    },
}  # fmt: skip
_PARAMETER = re.compile(r"%\((\w+)\)s")

# What each connection has prepared. A connection that is closed is forgotten with its statements.
_on_connection: WeakKeyDictionary[object, set[str]] = WeakKeyDictionary()


def run(name: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Execute sql/NAME.sql; returns its rows, if it returns any."""
    with connection.cursor() as cursor:
        if name in _TYPES and getattr(settings, "PREPARED_STATEMENTS", False):
            cursor.execute(_prepared(name), [parameters[parameter] for parameter in _TYPES[name]])
        else:
            cursor.execute(statement(name), parameters)
        return cursor.fetchall() if cursor.description else []


@cache
def statement(name: str) -> str:
    """The text of sql/NAME.sql without its comments."""
    lines = (DIRECTORY / f"{name}.sql").read_text().splitlines()
    # The name is for whoever reads PostgreSQL's logs and statistics.
    return f"/* {name}.sql */ " + "\n".join(line for line in lines if not line.lstrip().startswith("--"))


def _prepared(name: str) -> str:
    """The EXECUTE of a statement that this connection has now prepared."""
    prepare, execute = _prepare_and_execute(name)
    raw = connection.connection
    done = _on_connection.setdefault(raw, set())
    if name not in done:
        with connection.wrap_database_errors, raw.cursor() as once:
            once.execute(prepare)
        done.add(name)
    return execute


@cache
def _prepare_and_execute(name: str) -> tuple[str, str]:
    types = _TYPES[name]
    places = {parameter: place for place, parameter in enumerate(types, 1)}
    body = _PARAMETER.sub(lambda found: f"${places[found[1]]}", statement(name))
    return (
        f"PREPARE commandqueue_{name} ({', '.join(types.values())}) AS {body}",
        f"EXECUTE commandqueue_{name} ({', '.join(['%s'] * len(types))})",
    )

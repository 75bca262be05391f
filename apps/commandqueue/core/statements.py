"""The .sql files as statements; the hot ones are prepared once a connection (`apps.statements`)."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from django.db import connection

from apps.statements import Prepared

DIRECTORY = Path(__file__).parent / "sql"

# Those that are prepared, each parameter with its type. They find rows by primary key, so that one plan is as
# good as another; a claim is not prepared: its plan depends on what waits.
_TYPES: dict[str, dict[str, str]] = {
    "settle_and_renew": {
        "sent": "bigint", "sent_token": "uuid", "next": "bigint", "next_token": "uuid", "worker": "text",
        "lease": "float8",
    },
    "settle": {
        "state": "text", "delay": "float8", "id": "bigint", "token": "uuid", "error": "jsonb",
        "recipients": "text[]", "refused": "jsonb", "result": "jsonb",
    },
    "enqueue_mail": {
        "queue_name": "text", "backend": "text", "priority": "smallint", "secret": "boolean",
        "lifetime": "float8", "message_id": "text", "sender": "text", "recipients": "text[]", "body": "bytea",
    },
}  # fmt: skip


def run(name: str, parameters: Mapping[str, Any]) -> list[Any]:
    """Execute sql/NAME.sql; returns its rows, if it returns any."""
    with connection.cursor() as cursor:
        if name in _TYPES:
            prepared(name).execute(cursor, parameters)
        else:
            cursor.execute(statement(name), parameters)
        return cursor.fetchall() if cursor.description else []


def statement(name: str) -> str:
    """The text of sql/NAME.sql without its comments."""
    # The name is for PostgreSQL's statistics and the site's log of slow statements.
    return f"/* {name}.sql */ {_text(name)}"


@cache
def prepared(name: str) -> Prepared:
    """One of the statements that are prepared."""
    return Prepared(f"{name}.sql", f"commandqueue_{name}", _text(name), _TYPES[name])


@cache
def _text(name: str) -> str:
    lines = (DIRECTORY / f"{name}.sql").read_text().splitlines()
    return "\n".join(line for line in lines if not line.lstrip().startswith("--"))

"""psycopg2's connection and cursor, which record whether the session may have changed since check-out."""

from collections.abc import Callable
from typing import Any

from psycopg2 import extensions


class Connection(extensions.connection):  # type: ignore[misc]
    """psycopg2's own connection, not a proxy. ``changed``: whether it needs a reset at check-in."""

    changed = False

    def cursor(self, *args: Any, **kwargs: Any) -> Any:
        cursor = super().cursor(*args, **kwargs)
        # A cursor of another class records nothing; one with a name may outlive its transaction.
        if not isinstance(cursor, Cursor) or cursor.name is not None:
            self.changed = True
        return cursor


def _changing(method: str) -> Callable[..., Any]:
    """A method of psycopg2's cursor that sends SQL, and counts as a change."""
    send = getattr(extensions.cursor, method)

    def sending(self: "Cursor", *args: Any, **kwargs: Any) -> Any:
        self.connection.changed = True
        return send(self, *args, **kwargs)

    return sending


class Cursor(extensions.cursor):  # type: ignore[misc]
    """Everything that it sends counts as a change, except SQL with the attribute ``changes_session = False``.

    `apps.statements` marks a SELECT in this way; any code that alters the SQL removes the mark.
    """

    def execute(self, query: Any, vars: Any = None) -> None:  # noqa: A002 - psycopg2's name
        if getattr(query, "changes_session", True):
            self.connection.changed = True
        super().execute(query, vars)

    executemany = _changing("executemany")
    callproc = _changing("callproc")
    copy_from = _changing("copy_from")
    copy_to = _changing("copy_to")
    copy_expert = _changing("copy_expert")

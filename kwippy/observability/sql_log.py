"""The site's log of SQL: slow statements without their values, and database errors without values.

PostgreSQL itself logs no statements (`deploy/local/postgres.py`): psycopg2 inserts the values into the
statement before it sends it. Here statement and values are still separate.
"""

import re
import time
from collections.abc import Callable
from typing import Any

import structlog
from django.conf import settings
from django.db import Error
from django.db.backends.signals import connection_created

log = structlog.get_logger("kwippy.sql")

# By SQLSTATE: messages of data exceptions, program limits and syntax errors quote the value.
_QUOTES_VALUES = re.compile(r"22|54|42601")
_LONGEST = 300


def start() -> None:
    """Observe every connection of this process."""
    connection_created.connect(_watch, dispatch_uid="kwippy.sql_log")


def observe(execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
    """An `execute_wrapper`: logs the statement if it is slow, removes values from its error if it fails."""
    started = time.perf_counter()
    try:
        return execute(sql, params, *more)
    except Error as error:
        _clean(error)
        raise
    finally:
        milliseconds = (time.perf_counter() - started) * 1000
        if milliseconds >= settings.SLOW_STATEMENT_MS:
            log.warning("slow statement", ms=round(milliseconds), sql=_without_values(sql, params))


def _watch(*, connection: Any, **_: Any) -> None:
    # The pool sends "connection_created" at each checkout.
    if observe not in connection.execute_wrappers:
        # At the front: this can run inside of `execute_wrapper()`, which pops the last one at its end.
        connection.execute_wrappers.insert(0, observe)


def _without_values(sql: str, params: Any) -> str:
    """The statement with its placeholders; if values are already in it, only the part before the first."""
    text = sql if params else sql.partition("'")[0]
    return " ".join(text.split())[:_LONGEST]


def _clean(error: Error) -> None:
    """Reduce the error to PostgreSQL's message, without DETAIL and CONTEXT, which hold values.

    Applies to Django's error and to the driver's, its cause. The driver's ``diag`` keeps everything.
    """
    diag = getattr(error.__cause__, "diag", None)
    if settings.DEBUG or error.__cause__ is None or diag is None or diag.sqlstate is None:
        return
    message = diag.message_primary or ""
    if _QUOTES_VALUES.match(diag.sqlstate):
        message = re.sub(r'".*"', '"…"', message, flags=re.DOTALL)
    error.args = error.__cause__.args = (f"{message} (SQLSTATE {diag.sqlstate})",)

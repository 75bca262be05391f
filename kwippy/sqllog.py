"""What the site tells of its SQL: slow statements in its log, and no value in any database error.

PostgreSQL's own log has neither (`deploy/local/postgres.py`): psycopg2 writes the values into the statement,
where the server can't tell them apart. Here they still are apart.
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

# By SQLSTATE: data exceptions, program limits and syntax errors quote what they could not read.
_QUOTES_VALUES = re.compile(r"22|54|42601")
_LONGEST = 300


def start() -> None:
    """Watch over every connection of this process."""
    connection_created.connect(_watch, dispatch_uid="kwippy.sqllog")


def observe(execute: Callable[..., Any], sql: str, params: Any, *more: Any) -> Any:
    """Run a statement as Django's `execute_wrapper`: log it if it is slow, clean its error if it fails."""
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
    # A pool's connection is "created" each time that it is lent.
    if observe not in connection.execute_wrappers:
        # The first: Django's `execute_wrapper`, in which this may happen, takes the last one away at its end.
        connection.execute_wrappers.insert(0, observe)


def _without_values(sql: str, params: Any) -> str:
    """The statement with its placeholders; where values were put into it before, only what is before them."""
    text = sql if params else sql.partition("'")[0]
    return " ".join(text.split())[:_LONGEST]


def _clean(error: Error) -> None:
    """Leave of an error what PostgreSQL says of it without DETAIL and CONTEXT, which hold values.

    Of Django's error and of the driver's, its cause, whose ``diag`` still has everything.
    """
    diag = getattr(error.__cause__, "diag", None)
    if settings.DEBUG or error.__cause__ is None or diag is None or diag.sqlstate is None:
        return
    message = diag.message_primary or ""
    if _QUOTES_VALUES.match(diag.sqlstate):
        message = re.sub(r'".*"', '"…"', message, flags=re.DOTALL)
    error.args = error.__cause__.args = (f"{message} (SQLSTATE {diag.sqlstate})",)

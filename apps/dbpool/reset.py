"""Between two uses of a psycopg2 connection: the check at check-out, the reset at check-in."""

import select
from collections.abc import Iterable
from typing import Any

import psycopg2
from psycopg2 import extensions

type Raw = Any  # psycopg2 comes without types

# psycopg2's `closed` of a connection that broke.
LOST = 2


def is_alive(raw: Raw, check: str) -> bool:
    """Whether the connection, which is in no transaction, still works."""
    if raw.closed:
        return False
    if check == "socket":
        return _is_silent(raw)
    if check == "query":
        return _is_silent(raw) and _answers(raw)
    return True


def is_lost(raw: Raw) -> bool:
    """Whether the connection ended while it was used, and not by a call of `close`."""
    return bool(raw.closed == LOST)


def reset(raw: Raw, cursors: Iterable[Any], reset: str) -> bool:
    """Reset everything but prepared statements; False if the connection must be closed instead.

    Closes the cursors, so that a cursor that was kept can't be used on the next checkout. Unless only
    read-only statements ran, it rolls back and runs the ``reset`` SQL.
    """
    try:
        for cursor in cursors:
            cursor.close()
        if raw.closed or raw.get_transaction_status() == extensions.TRANSACTION_STATUS_ACTIVE:
            return False
        if _is_unchanged(raw):
            raw.autocommit = False
        else:
            _end_transaction(raw)
            raw.autocommit = False
            # Without autocommit this needs no round trip.
            raw.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable="DEFAULT")
            if reset:
                _execute(raw, reset)
            raw.changed = False
    except psycopg2.Error:
        return False
    if raw.notices:
        raw.notices = []
    if raw.notifies:
        raw.notifies = []
    # RESET ALL restores the server's encoding; psycopg2 would keep using the other one.
    return bool(raw.encoding == "UTF8")


def close(raw: Raw) -> None:
    """Close the connection, ignoring errors."""
    try:
        raw.close()
    except psycopg2.Error:
        pass  # it is closed


def _is_unchanged(raw: Raw) -> bool:
    """Whether the session is as it was at check-out. `session` records SQL; the rest is psycopg2's own."""
    return (
        not raw.changed
        and raw.status == extensions.STATUS_READY
        and raw.get_transaction_status() == extensions.TRANSACTION_STATUS_IDLE
        and raw.isolation_level is None
        and raw.readonly is None
        and raw.deferrable is None
    )


def _end_transaction(raw: Raw) -> None:
    raw.rollback()
    if raw.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
        # Begun by BEGIN in SQL, which psycopg2 does not notice.
        _execute(raw, "ROLLBACK")


def _execute(raw: Raw, sql: str) -> None:
    """Run SQL outside of a transaction."""
    raw.autocommit = True
    with extensions.cursor(raw) as cursor:  # past `session`: it is no change
        cursor.execute(sql)
    raw.autocommit = False


def _is_silent(raw: Raw) -> bool:
    """Whether there is nothing to read. The server sends to an idle connection only when it closes it."""
    poll = select.poll()
    try:
        poll.register(raw.fileno(), select.POLLIN | select.POLLPRI)
    except psycopg2.Error:
        return False
    return not poll.poll(0)


def _answers(raw: Raw) -> bool:
    try:
        _execute(raw, "SELECT 1")
    except psycopg2.Error:
        return False
    return True

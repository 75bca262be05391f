"""A psycopg2 connection between two borrowers: is it alive, and is nothing of the last one left on it?"""

import select
from collections.abc import Iterable
from typing import Any

import psycopg2
from psycopg2 import extensions

type Raw = Any  # psycopg2 comes without types


def is_alive(raw: Raw, check: str) -> bool:
    """Whether the connection, which must be out of any transaction, still leads to PostgreSQL."""
    if raw.closed:
        return False
    if check == "socket":
        return _is_silent(raw)
    if check == "query":
        return _answers(raw)
    return True


def wash(raw: Raw, cursors: Iterable[Any], reset: str) -> bool:
    """Makes the connection like new, apart from prepared statements; False if it has to be closed instead.

    Ends the transaction, undoes the session's state by the SQL ``reset``, and closes the cursors: whoever
    kept one must not reach the next borrower through it.
    """
    try:
        for cursor in cursors:
            cursor.close()
        if raw.closed or raw.get_transaction_status() == extensions.TRANSACTION_STATUS_ACTIVE:
            return False
        _end_transaction(raw)
        raw.autocommit = False
        # Without autocommit it takes no round trip.
        raw.set_session(isolation_level="DEFAULT", readonly="DEFAULT", deferrable="DEFAULT")
        if reset:
            _execute(raw, reset)
    except psycopg2.Error:
        return False
    if raw.notices:
        raw.notices = []
    if raw.notifies:
        raw.notifies = []
    # RESET ALL brings the server's side back, but psycopg2 would go on in the other encoding.
    return bool(raw.encoding == "UTF8")


def close(raw: Raw) -> None:
    """Closes the connection, dead or alive."""
    try:
        raw.close()
    except psycopg2.Error:
        pass  # it is gone, which is what was wanted


def _end_transaction(raw: Raw) -> None:
    raw.rollback()
    if raw.get_transaction_status() != extensions.TRANSACTION_STATUS_IDLE:
        # Begun by a BEGIN in SQL, of which psycopg2 knows nothing.
        _execute(raw, "ROLLBACK")


def _execute(raw: Raw, sql: str) -> None:
    """Runs the SQL outside of any transaction of psycopg2's."""
    raw.autocommit = True
    with raw.cursor(cursor_factory=extensions.cursor) as cursor:
        cursor.execute(sql)
    raw.autocommit = False


def _is_silent(raw: Raw) -> bool:
    """Whether nothing is there to be read: to an idle connection the server has only its end to tell."""
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

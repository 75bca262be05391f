"""Writes an event to PostgreSQL and to the JSON log."""

import json
import time
import uuid
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from allauth.core import context
from django.db import connection, transaction
from django.http import HttpRequest
from django.utils.crypto import salted_hmac
from structlog.contextvars import get_contextvars

from apps.plaintext import clean_line, safe
from apps.securitylog import allowance, clients
from apps.securitylog.event import BY_THE_PERSON, COLLAPSED, OPEN_TO_ALL, UNCOUNTED_BEYOND, Event
from apps.securitylog.hashing import keyed
from apps.statements import SqlFolder

SQL = SqlFolder(Path(__file__).parent / "sql", "securitylog")
MOST_DETAILS = 8
DETAIL_LIMIT = 200
_READ = 4 * DETAIL_LIMIT  # of a longer text, the rest is not even cleaned

log = structlog.get_logger("kwippy.security")


def record(
    event: Event,
    *,
    request: HttpRequest | None = None,
    user_id: int | None = None,
    by: int | None = None,
    login: str = "",
    **details: str | int,
) -> None:
    """Record an event that concerns ``user_id``; ``by`` is who caused it, if it was someone else.

    ``login`` is a name or an address, of which a keyed hash is kept. ``details`` are kept as they are: they
    must hold no secret and no address. In a transaction, the event is recorded if that commits. Without
    ``request`` it is the one that is being answered, if there is one.
    """
    row: dict[str, Any] = {
        "event": event.value,
        "user_id": user_id,
        "by_id": by,
        "login": keyed(login),
        "details": _bounded(details),
        "request_id": str(get_contextvars().get("request_id", ""))[:64],
    }
    row |= clients.of_request(request or context.request)
    logged = partial(log.info, "security", **_told(row))
    # Without a transaction the line comes first: it is written even if PostgreSQL does not answer.
    transaction.on_commit(logged) if connection.in_atomic_block else logged()
    if event in OPEN_TO_ALL | BY_THE_PERSON:
        _reduce(row)
    alike = _alike(row) if event in COLLAPSED else None
    if event in UNCOUNTED_BEYOND and not allowance.refusals.take(str(alike)):
        return
    parameters = row | {"details": json.dumps(row["details"]), "alike": alike}
    with connection.cursor() as cursor:
        SQL.statement("record").execute_prepared(cursor, parameters)


def _reduce(row: dict[str, Any]) -> None:
    """Beyond the allowance of the event the row has no client; beyond that of people, no person."""
    event, sharers = row["event"], [row["network"]]
    if event in BY_THE_PERSON:  # who comes from many networks has one share, too
        sharers.append(f"person {row['user_id']}")
    if event == Event.LIMIT_MET:  # the client chooses these: each would be a row of its own
        row |= {"browser": "", "system": ""}
    if allowance.in_full[event].take(_alike(row), *sharers):
        return
    row |= dict.fromkeys(("network", "browser", "system", "login", "request_id"), "")
    row["details"] = {"beyond": "the allowance of a process"}
    if not allowance.of_people[event].take(_alike(row), *sharers):
        row["user_id"] = None


def _bounded(details: dict[str, str | int]) -> dict[str, str | int]:
    kept = list(details.items())[:MOST_DETAILS]
    return {
        name: clean_line(safe(value[:_READ]))[:DETAIL_LIMIT] if isinstance(value, str) else value
        for name, value in kept
    }


def _told(row: dict[str, Any]) -> dict[str, Any]:
    """The row as the fields of a log line: its own name is `event`, and the request's id is bound to it."""
    told = {"kind": row["event"]} | row["details"] | row
    return {name: value for name, value in told.items() if value and name not in _NOT_TOLD}


_NOT_TOLD = {"event", "details", "request_id"}


def _alike(row: dict[str, Any]) -> str:
    """The key that those entries of a minute share which are one row."""
    same = [value for name, value in row.items() if name != "request_id"]
    text = json.dumps([int(time.time()) // 60, *same])
    digest = salted_hmac("apps.securitylog.alike", text, algorithm="sha256").digest()
    return str(uuid.UUID(bytes=digest[:16]))

"""Counts hits against a rate: one row for each key, one statement for each hit."""

import datetime
import math
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.db import connection, transaction
from django.template.loader import render_to_string
from django.utils.crypto import salted_hmac
from django.utils.translation import ngettext

from apps.limits.rates import rate_of
from apps.statements import SqlFolder

SQL = SqlFolder(Path(__file__).parent / "sql", "limits")

# Called with the scope of each hit that is refused.
on_refused: list[Callable[[str], None]] = []


@dataclass(frozen=True)
class Decision:
    """The answer to a hit: true if it is allowed; else ``wait`` is the seconds until one will be."""

    wait: int = 0
    key: uuid.UUID | None = None
    at: datetime.datetime | None = None

    def __bool__(self) -> bool:
        return self.wait == 0

    @property
    def message(self) -> str:
        """For the visitor: the template ``limits/refused.txt``, which a site replaces by its own."""
        minutes = math.ceil(self.wait / 60)
        if self.wait < 60:
            span = ngettext("%d second", "%d seconds", self.wait) % self.wait
        elif minutes < 90:
            span = ngettext("%d minute", "%d minutes", minutes) % minutes
        else:
            hours = math.ceil(minutes / 60)
            span = ngettext("%d hour", "%d hours", hours) % hours
        return render_to_string("limits/refused.txt", {"span": span}).strip()

    def refund(self) -> None:
        """Take the hit back: it turned out not to be one that counts."""
        if self.at is not None:
            with connection.cursor() as cursor:
                SQL.statement("refund").execute_prepared(cursor, {"key": str(self.key), "at": self.at})


def hit(scope: str, *who: object, durable: bool = True) -> Decision:
    """Count one hit of ``scope`` by ``who``, unless it exceeds the rate in `settings.LIMITS`.

    ``who`` identifies the client: a user id, a network, or both; it is stored as a keyed hash. Raises
    RuntimeError inside a transaction, whose rollback could undo the count, unless it may (``durable`` is
    false); KeyError for a scope that is not in `settings.LIMITS`; OperationalError if PostgreSQL does not
    answer.
    """
    rate = rate_of(scope)
    if rate is None:
        return Decision()
    key = _key(scope, who)
    parameters: dict[str, str | int] = {
        "key": str(key),
        "scope": scope,
        "amount": rate.amount,
        "seconds": rate.seconds,
    }
    if durable and connection.in_atomic_block:
        with transaction.atomic(durable=True):
            pass  # raises RuntimeError, except in the transaction of a test
    # Each statement is a transaction of its own: one message.
    with connection.cursor() as cursor:
        SQL.statement("hit").execute_prepared(cursor, parameters)
        if counted := cursor.fetchone():
            return Decision(key=key, at=counted[0])
        SQL.statement("wait").execute_prepared(cursor, parameters)
        [wait] = cursor.fetchone() or [None]
    for receiver in on_refused:
        receiver(scope)
    # None: the oldest hit expired between the two statements.
    return Decision(wait=max(1, math.ceil(wait or 1)))


def is_met(scope: str, *who: object) -> bool:
    """Whether one more hit of ``scope`` by ``who`` would be refused. Counts nothing."""
    rate = rate_of(scope)
    if rate is None:
        return False
    asked = {"key": str(_key(scope, who)), "amount": rate.amount, "seconds": rate.seconds}
    with connection.cursor() as cursor:
        SQL.statement("wait").execute_prepared(cursor, asked)
        [wait] = cursor.fetchone() or [None]
    return wait is not None and wait > 0


def reset(scope: str, *who: object) -> None:
    """Take back all hits of ``scope`` by ``who``."""
    _reset([scope], who)


def forget(*who: object) -> int:
    """Take back all hits of every scope by ``who``. Returns of how many scopes there were any."""
    return _reset(settings.LIMITS, who)


def _reset(scopes: Iterable[str], who: tuple[object, ...]) -> int:
    with connection.cursor() as cursor:
        SQL.statement("reset").execute(cursor, {"keys": [str(_key(scope, who)) for scope in scopes]})
        number: int = cursor.rowcount
        return number


def _key(scope: str, who: tuple[object, ...]) -> uuid.UUID:
    """The row's key: 128 bits that do not tell a reader of the table who is counted."""
    # The length of each part keeps ("a", "bc") apart from ("ab", "c").
    parts = [f"{len(text)}:{text}" for text in map(str, who)]
    digest = salted_hmac("apps.limits", "|".join([scope, *parts]), algorithm="sha256")
    return uuid.UUID(bytes=digest.digest()[:16])

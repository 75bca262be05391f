"""How often something was tried, and whether once more is too often: one row and one statement a try."""

import datetime
import math
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from django.db import connection, transaction
from django.utils.crypto import salted_hmac
from django.utils.translation import gettext, ngettext

from apps.limits.rates import rate_of

# Called with the scope of each try that is refused.
refused: list[Callable[[str], None]] = []

# The oldest of the last tries that count is still within the span. A time ahead of the clock is no
# such try: a clock that was set back locks nobody out.
_FULL = """coalesce(
    kept.times[cardinality(kept.times) + 1 - %(amount)s]
        BETWEEN clock_timestamp() - make_interval(secs => %(seconds)s) AND clock_timestamp(), false)"""

_WAIT = """/* limits: wait */
SELECT %(seconds)s - extract(epoch FROM clock_timestamp() - times[cardinality(times) + 1 - %(amount)s])
FROM limits_tries WHERE key = %(key)s::uuid"""

_REFUND = """/* limits: refund */
UPDATE limits_tries SET times = array_remove(times, %(at)s) WHERE key = %(key)s::uuid"""


@dataclass(frozen=True)
class Admission:
    """The answer to one try: true where it is admitted, else ``wait`` says for how many seconds it is not."""

    wait: int = 0
    key: uuid.UUID | None = None
    at: datetime.datetime | None = None

    def __bool__(self) -> bool:
        return self.wait == 0

    @property
    def message(self) -> str:
        """What to say to whoever was refused."""
        minutes = math.ceil(self.wait / 60)
        if self.wait < 60:
            span = ngettext("%d second", "%d seconds", self.wait) % self.wait
        elif minutes < 90:
            span = ngettext("%d minute", "%d minutes", minutes) % minutes
        else:
            hours = math.ceil(minutes / 60)
            span = ngettext("%d hour", "%d hours", hours) % hours
        return gettext("easy now :P that was a lot in a short time. it works again in %(span)s.") % {
            "span": span
        }

    def refund(self) -> None:
        """Takes the try back: it turned out not to be one of those that are counted."""
        if self.at is not None:
            with connection.cursor() as cursor:
                cursor.execute(_REFUND, {"key": str(self.key), "at": self.at})


def admit(scope: str, *who: object) -> Admission:
    """Counts one more try of ``scope`` by ``who``, unless `settings.LIMITS` allows no more of them.

    ``who`` is whatever tells one from another: the number of a person, a network, both; it is kept as a
    keyed hash. Raises RuntimeError inside a transaction, whose end could take the count back, and KeyError
    for a scope that `settings.LIMITS` does not name. Where PostgreSQL does not answer, its OperationalError.
    """
    rate = rate_of(scope)
    if rate is None:
        return Admission()
    key = _key(scope, who)
    parameters: dict[str, str | int] = {
        "key": str(key),
        "scope": scope,
        "amount": rate.amount,
        "seconds": rate.seconds,
    }
    with transaction.atomic(durable=True), connection.cursor() as cursor:
        cursor.execute(_admit(), parameters)
        if admitted := cursor.fetchone():
            return Admission(key=key, at=admitted[0])
        cursor.execute(_WAIT, parameters)
        [wait] = cursor.fetchone() or [None]
    for hear in refused:
        hear(scope)
    # None: the last of the tries ran out just now.
    return Admission(wait=max(1, math.ceil(wait or 1)))


def forget(scope: str, *who: object) -> None:
    """Makes every earlier try of ``scope`` by ``who`` undone."""
    with connection.cursor() as cursor:
        cursor.execute("DELETE FROM limits_tries WHERE key = %s::uuid", [str(_key(scope, who))])


def _key(scope: str, who: tuple[object, ...]) -> uuid.UUID:
    """Whom a row counts, as 128 bits that say nothing of them to a reader of the table."""
    # The length of each part keeps ("a", "bc") from ("ab", "c").
    parts = [f"{len(text)}:{text}" for text in map(str, who)]
    digest = salted_hmac("apps.limits", "|".join([scope, *parts]), algorithm="sha256")
    return uuid.UUID(bytes=digest.digest()[:16])


@cache
def _admit() -> str:
    lines = (Path(__file__).parent / "sql" / "admit.sql").read_text().splitlines()
    statement = "\n".join(line for line in lines if not line.startswith("--"))
    return "/* limits/admit.sql */ " + statement.replace("{full}", _FULL)

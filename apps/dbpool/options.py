"""What ``DATABASES[alias]["POOL"]`` may say."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

# All that DISCARD ALL undoes but the prepared statements: whoever prepared them remembers by the connection.
EVERYTHING = "; ".join([
    "RESET SESSION AUTHORIZATION",
    "RESET ROLE",
    "RESET ALL",
    "CLOSE ALL",
    "UNLISTEN *",
    "SELECT pg_advisory_unlock_all()",
    "DISCARD TEMP",
    "DISCARD SEQUENCES",
])  # fmt: skip

CHECKS = ("socket", "query", "none")


@dataclass(frozen=True)
class Options:
    """The pool's options, with their defaults. Raises ImproperlyConfigured for what can't be."""

    # The most connections that a process has to this database.
    size: int = 4
    # How many of them stay open while nobody uses them; None: all.
    idle: int | None = None
    # Seconds until a connection is replaced by a new one (a tenth earlier or less, by chance); None: never.
    max_age: float | None = 3600.0
    # The longest wait for a connection to come free, in seconds; then PoolTimeout.
    wait: float = 5.0
    # How a connection is checked before it is lent: "socket" (something to read from an idle connection is
    # its end; no round trip), "query" (`SELECT 1`), "none".
    check: str = "socket"
    # What is sent when a connection comes back, after the rollback; "" for nothing.
    reset: str = EVERYTHING

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise ImproperlyConfigured(f'DATABASES[…]["POOL"]: {problem}')

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """The options that the mapping gives, the defaults for all others."""
        unknown = set(settings) - {field.name for field in fields(cls)}
        if unknown:
            raise ImproperlyConfigured(f'DATABASES[…]["POOL"] knows no {", ".join(sorted(unknown))}')
        return cls(**settings)

    @property
    def most_idle(self) -> int:
        return self.size if self.idle is None else self.idle

    def _problem(self) -> str:
        if self.size < 1:
            return f"size is {self.size}, and it takes one connection at least"
        if not 1 <= self.most_idle <= self.size:
            return f"idle is {self.idle}, which is not between 1 and size ({self.size})"
        if self.max_age is not None and self.max_age <= 0:
            return f"max_age is {self.max_age}; None is for ever"
        if not 0 <= self.wait <= 3600:
            return f"wait is {self.wait} seconds"
        if self.check not in CHECKS:
            return f"check is {self.check!r}, none of {', '.join(CHECKS)}"
        return ""

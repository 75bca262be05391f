"""The options in ``DATABASES[alias]["POOL"]``."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from django.core.exceptions import ImproperlyConfigured

# DISCARD ALL without DEALLOCATE ALL: prepared statements stay, as `apps.statements` remembers them by
# connection.
RESET_SESSION = "; ".join([
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
    """The options and their defaults. Raises ImproperlyConfigured for invalid values."""

    # The maximum number of connections of a process to this database.
    max_size: int = 4
    # How many of them stay open while they are idle (DBUtils' maxcached); None: all.
    max_cached: int | None = None
    # Seconds until a connection is replaced (less up to a tenth, at random); None: never.
    max_lifetime: float | None = 3600.0
    # The maximum wait for a connection in seconds; then PoolTimeout.
    timeout: float = 5.0
    # The check at check-out: "socket" (an idle connection that has data to read was closed by the server;
    # no round trip), "query" (`SELECT 1`), "none".
    check: str = "socket"
    # The SQL sent at check-in, after the rollback; "" for none.
    reset: str = RESET_SESSION

    def __post_init__(self) -> None:
        problem = self._problem()
        if problem:
            raise ImproperlyConfigured(f'DATABASES[…]["POOL"]: {problem}')

    @classmethod
    def read(cls, settings: Mapping[str, Any]) -> Self:
        """The options in the mapping, defaults for the others."""
        unknown = set(settings) - {field.name for field in fields(cls)}
        if unknown:
            raise ImproperlyConfigured(
                f'DATABASES[…]["POOL"] has unknown options: {", ".join(sorted(unknown))}'
            )
        return cls(**settings)

    @property
    def max_cached_size(self) -> int:
        return self.max_size if self.max_cached is None else self.max_cached

    def _problem(self) -> str:
        if self.max_size < 1:
            return f"max_size must be at least 1, not {self.max_size}"
        if not 1 <= self.max_cached_size <= self.max_size:
            return f"max_cached must be between 1 and max_size ({self.max_size}), not {self.max_cached}"
        if self.max_lifetime is not None and self.max_lifetime <= 0:
            return f"max_lifetime must be positive or None, not {self.max_lifetime}"
        if not 0 <= self.timeout <= 3600:
            return f"timeout must be between 0 and 3600 seconds, not {self.timeout}"
        if self.check not in CHECKS:
            return f"check must be one of {', '.join(CHECKS)}, not {self.check!r}"
        return ""

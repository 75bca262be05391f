"""The cache that django-allauth keeps its own limits in."""

import json
from collections.abc import Iterable
from typing import Any

from django.core.cache.backends.base import DEFAULT_TIMEOUT
from django.core.cache.backends.db import DatabaseCache
from django.db import connections, router


class LimitsCache(DatabaseCache):
    """Django's database cache, for counters that must be neither lost nor forged.

    - No entry is evicted before it expires: `sweep` deletes expired entries. Django's counts all rows at each
      write, and evicts live entries above a maximum.
    - Each operation is one statement: of two concurrent `add`s of one key, one succeeds.
    - Values are JSON, not pickle: write access to the table does not execute code. The clock is PostgreSQL's.
    """

    _table: str

    def get_many(self, keys: Iterable[Any], version: int | None = None) -> dict[Any, Any]:
        names = {self.make_and_validate_key(key, version=version): key for key in keys}
        rows = self._run(
            "SELECT cache_key, value FROM {table} WHERE cache_key = ANY(%s) AND expires > clock_timestamp()",
            [list(names)],
        )
        return {names[name]: json.loads(value) for name, value in rows}

    def has_key(self, key: Any, version: int | None = None) -> bool:
        return bool(self.get_many([key], version))

    def set(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> None:
        self._write(key, value, timeout, version, overwrite=True)

    def add(
        self, key: Any, value: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None
    ) -> bool:
        return self._write(key, value, timeout, version, overwrite=False)

    def touch(self, key: Any, timeout: float | None = DEFAULT_TIMEOUT, version: int | None = None) -> bool:
        touched = self._run(
            "UPDATE {table} SET expires = clock_timestamp() + %s::interval"
            " WHERE cache_key = %s AND expires > clock_timestamp() RETURNING true",
            [self._span(timeout), self.make_and_validate_key(key, version=version)],
        )
        return bool(touched)

    def _write(
        self, key: Any, value: Any, timeout: float | None, version: int | None, *, overwrite: bool
    ) -> bool:
        written = self._run(
            "INSERT INTO {table} AS kept (cache_key, value, expires)"
            " VALUES (%s, %s, clock_timestamp() + %s::interval)"
            " ON CONFLICT (cache_key) DO UPDATE SET value = excluded.value, expires = excluded.expires"
            " WHERE %s OR kept.expires <= clock_timestamp() RETURNING true",
            [
                self.make_and_validate_key(key, version=version),
                json.dumps(value),
                self._span(timeout),
                overwrite,
            ],
        )
        return bool(written)

    def _span(self, timeout: float | None) -> str:
        seconds = self.default_timeout if timeout is DEFAULT_TIMEOUT else timeout
        return "infinity" if seconds is None else f"{seconds} seconds"

    def _run(self, sql: str, parameters: list[Any]) -> list[tuple[Any, ...]]:
        connection = connections[router.db_for_write(self.cache_model_class)]
        with connection.cursor() as cursor:
            cursor.execute(sql.replace("{table}", connection.ops.quote_name(self._table)), parameters)
            return list(cursor.fetchall())

"""The database backend: Django's own for PostgreSQL, with connections that are lent by a pool."""

import os
import threading
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.utils.asyncio import async_unsafe

from apps.dbpool import registry
from apps.dbpool.pool import Loan

__all__ = ["DatabaseWrapper"]


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """A thread's access to the database. ``connection`` is psycopg2's own connection, lent by the pool.

    ``close()`` gives it back. The end of a request does so too, whatever CONN_MAX_AGE says.
    """

    # Django's own pool, which is for psycopg 3.
    pool = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made_in = threading.get_ident()
        self._loan: ref[Loan] | None = None
        # Of another thread, which may end before we do.
        self._foreign_loan: Loan | None = None
        # The seconds that this thread has waited for connections.
        self.waited = 0.0
        _wrappers.add(self)

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, with the time zone among them: RESET ALL comes back to it without a round trip."""
        params: dict[str, Any] = super().get_connection_params()
        if self.timezone_name:
            options = params.get("options", os.environ.get("PGOPTIONS", ""))
            params["options"] = f"{options} -c TimeZone={self.timezone_name}".strip()
        return params

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Borrows a connection. Raises PoolTimeout if none comes free, or psycopg2's errors in connecting."""
        connect = partial(super().get_new_connection, conn_params)
        if self.alias == NO_DB_ALIAS:
            return connect()
        loan = registry.pool(self.alias, conn_params, self.settings_dict.get("POOL", {})).take(connect)
        self._loan = ref(loan)
        if self._made_in == threading.get_ident():
            _thread.loans[self] = loan
        else:
            self._foreign_loan = loan
        self.waited += loan.waited
        loan.raw.cursor_factory = conn_params["cursor_factory"]
        level = self.settings_dict["OPTIONS"].get("isolation_level")
        if level is None:
            self.isolation_level = IsolationLevel.READ_COMMITTED
        else:
            self.isolation_level = loan.raw.isolation_level = IsolationLevel(level)
        return loan.raw

    @async_unsafe
    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        loan = self._loan() if self._loan is not None else None
        if loan is not None:
            loan.cursors.add(cursor)
        return cursor

    def close_if_health_check_failed(self) -> None:
        """Nothing: the pool checks what it lends."""

    def close_if_unusable_or_obsolete(self) -> None:
        """Gives the connection back: Django asks at both ends of a request."""
        if self.connection is not None:
            self.close()

    def close_pool(self) -> None:
        """Closes the alias's pool in this process."""
        registry.close(self.alias)

    def forget(self) -> None:
        """Lets go of a connection that is another process's. A transaction on it can't go on."""
        self._forget_loan()
        self.connection = None
        if self.in_atomic_block:
            self.closed_in_transaction = True
            self.needs_rollback = True

    def _close(self) -> None:
        loan = self._forget_loan()
        raw, self.connection = self.connection, None
        # Django's close() leaves it where it is inside an atomic block: it would be another thread's soon.
        with self.wrap_database_errors:
            if loan is not None:
                loan.give_back()
            elif raw is not None:
                raw.close()

    def _forget_loan(self) -> Loan | None:
        loan = self._loan() if self._loan is not None else None
        self._loan = self._foreign_loan = None
        _thread.loans.pop(self, None)
        return loan


class _Thread(threading.local):
    """A thread's loans, which end with it: its wrappers, in reference cycles, would hold them for long."""

    def __init__(self) -> None:
        self.loans: WeakKeyDictionary[DatabaseWrapper, Loan] = WeakKeyDictionary()


_thread = _Thread()
_wrappers: WeakSet[DatabaseWrapper] = WeakSet()


def _forget_inherited() -> None:
    for wrapper in list(_wrappers):
        wrapper.forget()


os.register_at_fork(after_in_child=_forget_inherited)

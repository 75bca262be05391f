"""The database backend: Django's for PostgreSQL, with connections from a pool."""

import os
import threading
from functools import partial
from typing import Any
from weakref import WeakKeyDictionary, WeakSet, ref

from django.db.backends.base.base import NO_DB_ALIAS
from django.db.backends.postgresql import base as postgresql
from django.db.backends.postgresql.psycopg_any import IsolationLevel
from django.utils.asyncio import async_unsafe
from psycopg2 import extensions

from apps.dbpool import registry
from apps.dbpool.pool import Checkout
from apps.dbpool.session import Connection, Cursor

__all__ = ["DatabaseWrapper"]


class DatabaseWrapper(postgresql.DatabaseWrapper):
    """``connection`` is psycopg2's own connection, checked out of the pool.

    ``close()`` checks it in, and so does the end of a request, whatever CONN_MAX_AGE is.
    """

    # Django's own pool, which is for psycopg 3.
    pool = None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._made_in = threading.get_ident()
        self._checkout: ref[Checkout] | None = None
        # Checked out for a wrapper of another thread, which may end first.
        self._foreign_checkout: Checkout | None = None
        # The seconds that this thread has waited for connections; read by Server-Timing.
        self.waited = 0.0
        _wrappers.add(self)

    def get_connection_params(self) -> dict[str, Any]:
        """Django's; the time zone, so that RESET ALL restores it without a round trip; our two classes."""
        params: dict[str, Any] = super().get_connection_params()
        params["connection_factory"] = Connection
        if params["cursor_factory"] is extensions.cursor:
            params["cursor_factory"] = Cursor
        if self.timezone_name:
            options = params.get("options", os.environ.get("PGOPTIONS", ""))
            params["options"] = f"{options} -c TimeZone={self.timezone_name}".strip()
        return params

    @async_unsafe
    def get_new_connection(self, conn_params: dict[str, Any]) -> Any:
        """Check out a connection. Raises PoolTimeout, or psycopg2's errors while connecting."""
        connect = partial(super().get_new_connection, conn_params)
        if self.alias == NO_DB_ALIAS:
            return connect()
        checkout = registry.pool(self.alias, conn_params, self.settings_dict.get("POOL", {})).check_out(
            connect
        )
        self._checkout = ref(checkout)
        if self._made_in == threading.get_ident():
            _thread.checkouts[self] = checkout
        else:
            self._foreign_checkout = checkout
        self.waited += checkout.waited
        checkout.raw.cursor_factory = conn_params["cursor_factory"]
        level = self.settings_dict["OPTIONS"].get("isolation_level")
        if level is None:
            self.isolation_level = IsolationLevel.READ_COMMITTED
        else:
            self.isolation_level = checkout.raw.isolation_level = IsolationLevel(level)
        return checkout.raw

    @async_unsafe
    def create_cursor(self, name: str | None = None) -> Any:
        cursor = super().create_cursor(name)
        checkout = self._checkout() if self._checkout is not None else None
        if checkout is not None:
            checkout.cursors.add(cursor)
        return cursor

    def close_if_health_check_failed(self) -> None:
        """Nothing: the pool checks at check-out."""

    def close_if_unusable_or_obsolete(self) -> None:
        """Check the connection in: Django calls this at both ends of a request."""
        if self.connection is not None:
            self.close()

    def close_pool(self) -> None:
        """Closes the alias's pool in this process."""
        registry.close(self.alias)

    def drop(self) -> None:
        """After a fork: drop the parent's connection. A transaction on it can't go on."""
        self._drop_checkout()
        self.connection = None
        if self.in_atomic_block:
            self.closed_in_transaction = True
            self.needs_rollback = True

    def _close(self) -> None:
        checkout = self._drop_checkout()
        raw, self.connection = self.connection, None
        # Django's close() keeps the reference in an atomic block; the connection would soon be used by
        # another thread.
        with self.wrap_database_errors:
            if checkout is not None:
                checkout.check_in()
            elif raw is not None:
                raw.close()

    def _drop_checkout(self) -> Checkout | None:
        checkout = self._checkout() if self._checkout is not None else None
        self._checkout = self._foreign_checkout = None
        _thread.checkouts.pop(self, None)
        return checkout


class _Thread(threading.local):
    """A thread's checkouts, which end with it; its wrappers are in reference cycles and would live longer."""

    def __init__(self) -> None:
        self.checkouts: WeakKeyDictionary[DatabaseWrapper, Checkout] = WeakKeyDictionary()


_thread = _Thread()
_wrappers: WeakSet[DatabaseWrapper] = WeakSet()


def _drop_inherited() -> None:
    for wrapper in list(_wrappers):
        wrapper.drop()


os.register_at_fork(after_in_child=_drop_inherited)

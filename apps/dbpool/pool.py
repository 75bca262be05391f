"""The pool: check out, check in, discard.

DBUtils would connect, check and reset under its one lock. Here it hands out `Slot`s, which may be
unconnected, and all I/O happens in the thread that uses the connection, outside any lock.
"""

import os
import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import Any
from weakref import WeakSet

import psycopg2
from dbutils.pooled_db import PooledDB
from django.db.utils import OperationalError

from apps.dbpool import reset
from apps.dbpool.options import Options
from apps.dbpool.outage import Outage
from apps.dbpool.reset import Raw
from apps.dbpool.semaphore import FairSemaphore

type Connect = Callable[[], Raw]

# Held around each call of DBUtils and during a fork: else a child could inherit DBUtils' own lock in a
# locked state. Reentrant, as the garbage collector may check a connection in at any point.
dbutils_lock = threading.RLock()


class PoolTimeout(OperationalError):
    """No connection became free in time. The site answers 503."""


@dataclass(frozen=True)
class PoolStats:
    """State and counters of a pool in this process."""

    size: int
    open: int
    in_use: int
    waiting: int
    checkouts: int
    waits: int
    wait_seconds: float
    timeouts: int
    connects: int
    closes: int


class Slot:
    """A place for one connection, which may be empty. DBUtils takes it for a connection."""

    def __init__(self, pool: "Pool") -> None:
        self.raw: Raw = None
        self.expires_at: float | None = None
        # When the server last answered on this connection, as far as the pool knows.
        self.proved_at = 0.0
        self._to_close = pool.to_close

    def close(self) -> None:
        """Called by DBUtils under its lock: the pool closes the connection afterwards."""
        raw, self.raw = self.raw, None
        if raw is not None:
            self._to_close.append(raw)

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and time.monotonic() >= self.expires_at


class Checkout:
    """A connection in use: ``raw`` is psycopg2's, ``waited`` the seconds until it was available.

    A checkout that is garbage-collected without a check-in closes its connection and frees its slot.
    """

    def __init__(self, pool: "Pool", handle: Any, slot: Slot, waited: float) -> None:
        self.raw = slot.raw
        self.waited = waited
        self.cursors: WeakSet[Any] = WeakSet()
        self.slot: Slot | None = slot
        # DBUtils hands the slot out again when its handle is closed or collected.
        self.handle = handle
        self.pool = pool

    def check_in(self) -> None:
        """Return the connection to its pool, once."""
        slot, self.slot = self.slot, None
        if slot is not None:
            self.pool.check_in(slot, self.handle, list(self.cursors))

    def __del__(self) -> None:
        slot, self.slot = self.slot, None
        # After a fork the connection is the parent's: the child must neither use nor close it.
        if slot is not None and self.pool.pid == os.getpid():
            self.pool.discard(slot, self.handle)


class Pool:
    """At most ``options.max_size`` connections.

    ``key`` identifies the settings that it was created for. A closed pool keeps no idle connection; it still
    hands out new ones.
    """

    def __init__(self, key: object, options: Options) -> None:
        self.key = key
        self.options = options
        self.pid = os.getpid()
        self.closed = False
        self.semaphore = FairSemaphore(options.max_size)
        self.outage = Outage()
        # When a connection was last found dead: others that are as old may be dead without showing it.
        self._lost_at = 0.0
        self.to_close: deque[Raw] = deque()
        self._connects = 0
        self._closes = 0
        self._counting = threading.RLock()
        self._dbutils = PooledDB(
            _Slots(self),
            maxcached=options.max_cached_size,
            # The semaphore has the same limit and comes first, so DBUtils never reaches this one.
            maxconnections=options.max_size,
            blocking=False,
            reset=False,
            ping=0,
            failures=psycopg2.Error,
        )

    def check_out(self, connect: Connect) -> Checkout:
        """Check out an idle connection, or a new one from ``connect``.

        Raises PoolTimeout if none became free in time, ServerUnreachable in an outage, and any error of
        ``connect``.
        """
        asked = time.monotonic()
        if self._connects == self._closes:
            # Here, where a thread that waits does not take a slot.
            self.outage.wait(asked, self.options.timeout)
        waited = self._acquire()
        try:
            with dbutils_lock:
                handle = self._dbutils.connection(shareable=False)
        except BaseException:
            self.semaphore.release()
            raise
        slot: Slot = handle.dbapi_connection
        try:
            self._fill(slot, connect, asked)
        except BaseException:
            self.discard(slot, handle)
            raise
        return Checkout(self, handle, slot, waited)

    def check_in(self, slot: Slot, handle: Any, cursors: list[Any]) -> None:
        """Reset the connection and keep it, or close it; then the next waiting thread gets the slot."""
        keep = False
        try:
            fresh = not (self.closed or slot.expired)
            keep = fresh and reset.reset(slot.raw, cursors, self.options.reset)
        finally:
            if keep:
                self._put_back(handle)
            else:
                if reset.is_lost(slot.raw):
                    self._lost_at = time.monotonic()
                self.discard(slot, handle)

    def discard(self, slot: Slot, handle: Any) -> None:
        """Close the slot's connection, if it has one, and free the slot."""
        raw, slot.raw = slot.raw, None
        if raw is not None:
            self._close(raw)
        self._put_back(handle)

    def close(self) -> None:
        """Close idle connections now, the others at check-in."""
        self.closed = True
        with dbutils_lock:
            self._dbutils.close()
        self._close_discarded()

    def stats(self) -> PoolStats:
        semaphore = self.semaphore
        return PoolStats(
            size=semaphore.permits,
            open=self._connects - self._closes,
            in_use=semaphore.in_use,
            waiting=semaphore.waiting,
            checkouts=semaphore.acquired,
            waits=semaphore.waits,
            wait_seconds=semaphore.waited,
            timeouts=semaphore.timeouts,
            connects=self._connects,
            closes=self._closes,
        )

    def _acquire(self) -> float:
        try:
            return self.semaphore.acquire(self.options.timeout)
        except TimeoutError:
            raise PoolTimeout(
                f"no connection became free within {self.options.timeout:g} s:"
                f" all {self.semaphore.permits} are in use, and {self.semaphore.waiting} more threads wait"
            ) from None

    def _fill(self, slot: Slot, connect: Connect, asked: float) -> None:
        """Make sure that the slot has a live connection."""
        if slot.raw is not None:
            if not slot.expired and self._is_alive(slot):
                return
            raw, slot.raw = slot.raw, None
            self._close(raw)
        slot.raw = self.outage.connect(connect, asked, self.options.timeout)
        slot.proved_at = time.monotonic()
        if self.options.max_lifetime is not None:
            # Connections that were opened together should not expire together.
            slot.expires_at = time.monotonic() + self.options.max_lifetime * random.uniform(0.9, 1)  # noqa: S311
        with self._counting:
            self._connects += 1

    def _is_alive(self, slot: Slot) -> bool:
        """Check an idle connection: with a round trip if another one was lost since the last."""
        check = self.options.check
        if check == "socket" and slot.proved_at <= self._lost_at:
            check = "query"
        started = time.monotonic()
        if not reset.is_alive(slot.raw, check):
            self._lost_at = time.monotonic()
            return False
        if check == "query":
            slot.proved_at = started
        return True

    def _put_back(self, handle: Any) -> None:
        with dbutils_lock:
            handle.close()
            if self.closed:
                self._dbutils.close()
        self._close_discarded()
        self.semaphore.release()

    def _close_discarded(self) -> None:
        while self.to_close:
            try:
                raw = self.to_close.popleft()
            except IndexError:
                return  # another thread closed it
            self._close(raw)

    def _close(self, raw: Raw) -> None:
        reset.close(raw)
        with self._counting:
            self._closes += 1


class _Slots:
    """DBUtils takes it for the driver: it opens slots."""

    threadsafety = 1
    dbapi: ModuleType = psycopg2

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def connect(self) -> Slot:
        return Slot(self._pool)

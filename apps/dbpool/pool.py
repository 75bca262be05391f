"""The pool: DBUtils keeps the connections, the gate makes people queue, the session makes them like new.

DBUtils connects, checks and resets under its one lock. So here it lends out `Slot`s, which need not be
connected, and everything that talks to PostgreSQL happens in the borrower's thread, outside any lock.
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

from apps.dbpool import session
from apps.dbpool.gate import Gate
from apps.dbpool.options import Options
from apps.dbpool.session import Raw

type Connect = Callable[[], Raw]

# Held around each call of DBUtils, and while the process forks: a child would inherit DBUtils' own lock in
# whatever state another thread had it. Reentrant, as the garbage collector may bring a loan back anywhere.
dbutils_lock = threading.RLock()


class PoolTimeout(OperationalError):
    """No connection came free in time. It is one of Django's OperationalErrors, served as a 503."""


@dataclass(frozen=True)
class Figures:
    """How a pool is and has been doing in this process."""

    size: int
    open: int
    in_use: int
    waiting: int
    borrowed: int
    waits: int
    wait_seconds: float
    timeouts: int
    connects: int
    closes: int


class Slot:
    """A place for one connection: what DBUtils takes for a connection. It may be empty."""

    def __init__(self, pool: "Pool") -> None:
        self.raw: Raw = None
        self.expires_at: float | None = None
        self._bin = pool.bin

    def close(self) -> None:
        """For DBUtils, which calls it under its lock: the connection is closed afterwards."""
        raw, self.raw = self.raw, None
        if raw is not None:
            self._bin.append(raw)

    @property
    def expired(self) -> bool:
        return self.expires_at is not None and time.monotonic() >= self.expires_at


class Loan:
    """A connection while somebody has it: ``raw`` is psycopg2's, ``waited`` the seconds until it came.

    Whoever forgets to give it back loses it with the loan itself: it is closed, and its place is free again.
    """

    def __init__(self, pool: "Pool", handle: Any, slot: Slot, waited: float) -> None:
        self.raw = slot.raw
        self.waited = waited
        self.cursors: WeakSet[Any] = WeakSet()
        self.slot: Slot | None = slot
        # As long as DBUtils' handle lives, nobody else gets this slot.
        self.handle = handle
        self.pool = pool

    def give_back(self) -> None:
        """Returns the connection to its pool; nothing if that has been done."""
        slot, self.slot = self.slot, None
        if slot is not None:
            self.pool.take_back(slot, self.handle, list(self.cursors))

    def __del__(self) -> None:
        slot, self.slot = self.slot, None
        # What a child inherited is its parent's connection, to be neither used nor closed.
        if slot is not None and self.pool.pid == os.getpid():
            self.pool.vacate(slot, self.handle)


class Pool:
    """At most ``options.size`` connections, which `take` lends one by one.

    ``key`` says for which settings it was made. Closed, it keeps no connection any longer; it still lends.
    """

    def __init__(self, key: object, options: Options) -> None:
        self.key = key
        self.options = options
        self.pid = os.getpid()
        self.closed = False
        self.gate = Gate(options.size)
        self.bin: deque[Raw] = deque()
        self._connects = 0
        self._closes = 0
        self._counting = threading.RLock()
        self._dbutils = PooledDB(
            _Slots(self),
            maxcached=options.most_idle,
            # The gate comes first, so that this limit is never met: if it were, that would be an error.
            maxconnections=options.size,
            blocking=False,
            reset=False,
            ping=0,
            failures=psycopg2.Error,
        )

    def take(self, connect: Connect) -> Loan:
        """Lends a connection, one that is there or a new one made by ``connect``.

        Raises PoolTimeout if all were in use for too long, and whatever ``connect`` raises.
        """
        waited = self._enter()
        try:
            with dbutils_lock:
                handle = self._dbutils.connection(shareable=False)
        except BaseException:
            self.gate.leave()
            raise
        slot: Slot = handle.dbapi_connection
        try:
            self._fill(slot, connect)
        except BaseException:
            self.vacate(slot, handle)
            raise
        return Loan(self, handle, slot, waited)

    def take_back(self, slot: Slot, handle: Any, cursors: list[Any]) -> None:
        """Makes the connection like new and keeps it, or closes it; then the next in the queue comes in."""
        keep = False
        try:
            fresh = not (self.closed or slot.expired)
            keep = fresh and session.wash(slot.raw, cursors, self.options.reset)
        finally:
            if keep:
                self._put_back(handle)
            else:
                self.vacate(slot, handle)

    def vacate(self, slot: Slot, handle: Any) -> None:
        """Closes the slot's connection, if it has one, and gives the place back."""
        raw, slot.raw = slot.raw, None
        if raw is not None:
            self._close(raw)
        self._put_back(handle)

    def close(self) -> None:
        """Closes what is idle now, and the rest as it comes back."""
        self.closed = True
        with dbutils_lock:
            self._dbutils.close()
        self._empty_bin()

    def figures(self) -> Figures:
        gate = self.gate
        return Figures(
            size=gate.places,
            open=self._connects - self._closes,
            in_use=gate.inside,
            waiting=gate.waiting,
            borrowed=gate.entered,
            waits=gate.waits,
            wait_seconds=gate.waited,
            timeouts=gate.refused,
            connects=self._connects,
            closes=self._closes,
        )

    def _enter(self) -> float:
        try:
            return self.gate.enter(self.options.wait)
        except TimeoutError:
            raise PoolTimeout(
                f"no connection came free within {self.options.wait:g} s:"
                f" all {self.gate.places} are in use, and {self.gate.waiting} more threads wait"
            ) from None

    def _fill(self, slot: Slot, connect: Connect) -> None:
        """Sees to it that the slot holds a living connection."""
        if slot.raw is not None:
            if not slot.expired and session.is_alive(slot.raw, self.options.check):
                return
            raw, slot.raw = slot.raw, None
            self._close(raw)
        slot.raw = connect()
        if self.options.max_age is not None:
            # Those that were opened together are not to be replaced together.
            slot.expires_at = time.monotonic() + self.options.max_age * random.uniform(0.9, 1)  # noqa: S311
        with self._counting:
            self._connects += 1

    def _put_back(self, handle: Any) -> None:
        with dbutils_lock:
            handle.close()
            if self.closed:
                self._dbutils.close()
        self._empty_bin()
        self.gate.leave()

    def _empty_bin(self) -> None:
        while self.bin:
            try:
                raw = self.bin.popleft()
            except IndexError:
                return  # another thread was faster
            self._close(raw)

    def _close(self, raw: Raw) -> None:
        session.close(raw)
        with self._counting:
            self._closes += 1


class _Slots:
    """What DBUtils takes for the driver: it opens slots."""

    threadsafety = 1
    dbapi: ModuleType = psycopg2

    def __init__(self, pool: Pool) -> None:
        self._pool = pool

    def connect(self) -> Slot:
        return Slot(self._pool)

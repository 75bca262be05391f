"""Connection pool: the threads of a process share a few connections to PostgreSQL, through DBUtils.

In one minute: a request checks a connection out at its first query and in at its end. At most ``max_size``
are in use at once; the next thread waits, first come first served, and after ``timeout`` seconds gets an
error.

    thread ─► FairSemaphore ─► DBUtils: a slot ─► check, or connect ─► psycopg2 connection ─► Django
              (permit, timeout)  (idle slots)                                                    │
    next thread ◄─ release ◄─ back to DBUtils ◄─ rollback, reset session ◄─ close(), request end ┘

Read in this order: `base.py`, `pool.py`, `semaphore.py`, `outage.py`, `session.py`, `reset.py`, `options.py`.

Problem (2008)
    Django opened a connection for each request, which costs more than a light page. Kwippy used DBUtils'
    pool with its proxies, which repeat a statement on a new connection when one is lost in a transaction,
    and so commit half of it. A full pool waited forever.

Mechanism
    DBUtils' `PooledDB` keeps the idle slots and hands them out; the semaphore bounds them. Not used: its
    proxies (above); connecting, checking and resetting, which it does under its one lock (it gets `Slot`s,
    which may be empty); its blocking mode, neither fair nor with a timeout.

    - At check-out the socket is polled: an idle connection with data to read was closed by the server. After
      a loss the others answer ``SELECT 1`` first: they may be dead without a sign.
    - After a failed attempt to connect (`outage`) one thread tries again every 0.25 s; the others wait for
      its result, for a second at most.
    - At check-in (`reset`) the transaction is rolled back and the session reset: settings, role, locks,
      LISTEN, temporary tables, cursors. Prepared statements stay (`apps.statements`).
    - `session` records what is executed. After a checkout that executed only SQL marked read-only (by
      `apps.statements`), outside a transaction, nothing is sent.

    It pays where threads outnumber busy connections. PgBouncer pools for several machines.

Switch
    ``DATABASES[alias]["ENGINE"] = "apps.dbpool"``; off: ``"django.db.backends.postgresql"``. Options in
    ``DATABASES[alias]["POOL"]`` (`options`). A long-running process calls ``close_old_connections()``
    between two jobs.

Invariant
    At most ``max_size`` connections a process. A connection has one user at a time. Nothing is repeated. No
    session state reaches the next checkout. No lock is held during I/O. A forked child starts without
    connections.

When it fails
    All connections busy for ``timeout``: `PoolTimeout`, an ``OperationalError``; the site answers 503.
    PostgreSQL unreachable: its error or `ServerUnreachable`, within a second (silent: twice
    ``connect_timeout``). One that vanishes is noticed by keepalives, or by a statement after
    ``tcp_user_timeout``.

How to measure
    ``make bench``. Off is Django's engine with ``CONN_MAX_AGE = 0``; a member's page is
    [10.9](docs/results/ladder.json "network_100_active_whole_times_as_fast_as_without_dbpool") times
    as fast. With ``None`` (persistent):
    [0.97](docs/results/dbpool.json "pool_times_as_fast_as_persistent_connections") times, with
    [0.25](docs/results/dbpool.json "pool_connections_as_share_of_persistent") of the connections.
"""

from apps.dbpool.outage import ServerUnreachable
from apps.dbpool.pool import PoolStats, PoolTimeout
from apps.dbpool.registry import stats

__all__ = ["PoolStats", "PoolTimeout", "ServerUnreachable", "stats"]

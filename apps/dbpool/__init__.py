"""Pooled connections: the threads of a process share a few connections to PostgreSQL, through DBUtils.

Problem (2008)
    Django opened a connection for every request. Behind TCP, TLS and SCRAM that takes longer than a light
    page does, and PostgreSQL starts a process each time. Kwippy put DBUtils' pool in its place, proxies and
    all: a proxy that swallows ``autocommit = True`` and, when its connection is lost in the middle of a
    transaction, repeats the last statement on another one, so that half of the transaction is committed and
    nobody is told. Nothing of what one request had set was undone for the next, and a full pool made people
    wait without end.

Mechanism
    A request borrows a connection at its first query and gives it back at its end.

    - DBUtils' ``PooledDB`` lends and takes back, no more. What it lends are slots (`pool.Slot`), which may be
      empty. Django gets psycopg2's own connection out of the slot, and the backend (`base`) keeps the
      handle. So connecting, checking and resetting, all that may take long, happen in the borrower's thread
      and outside DBUtils' one lock.
    - A gate (`gate`) in front lets in as many as there are connections, those who came first first, and sends
      away who has waited too long (`PoolTimeout`).
    - Before it is lent, a connection is looked at: whatever there is to be read from an idle one is its end.
    - When it comes back (`session.wash`) its transaction is rolled back and its session reset: settings,
      role, locks, listening, temporary tables, cursors. Statements that were prepared stay, with the
      connection. A migration can make them unusable; `apps.statements` prepares them anew.

    It pays where there are more threads than busy connections, and where connections are dear: TCP, TLS,
    SCRAM, a PostgreSQL whose memory goes by connections. With one thread a process, or as many connections
    as threads, it is worth no more than ``CONN_MAX_AGE = None``. Compared with

    - persistent connections: as fast, with a fraction of PostgreSQL's processes. A thread keeps nothing.
    - psycopg 3's pool, which Django brings: the same idea, for that driver only. It connects in threads of
      its own, and resets nothing but the transaction.
    - PgBouncer: one pool for many processes and machines, at the price of another server and, as it lends by
      the transaction, without statements prepared by SQL, session settings and LISTEN. It is the step after
      this one (``deploy/pgbouncer.ini``).

Switch
    ``DATABASES[alias]["ENGINE"] = "apps.dbpool"``, alone; ``"django.db.backends.postgresql"`` is the way
    back. ``DATABASES[alias]["POOL"]`` has the options (`options`: ``size``, ``idle``, ``max_age``, ``wait``,
    ``check``, ``reset``), which Django's own backend does not look at. There is a pool for each process and
    alias, made when it is first needed. ``CONN_MAX_AGE`` and ``CONN_HEALTH_CHECKS`` speak of connections
    that threads keep, and mean nothing here: ``close()`` gives back, and so does the end of a request, or of
    a thread. Whatever runs for long without requests (a command, a worker) calls ``close_old_connections()``
    where it pauses, or holds on to its connection.

Invariant
    Never more connections than ``size`` a process. Never one connection for two at once: a cursor that was
    kept is closed with its loan. What fails in a transaction fails all of it; nothing is ever repeated.
    Nothing of a borrower's session reaches the next. No lock is held while PostgreSQL is spoken to. A
    forked child begins without connections, and its parent's live on. (Code that puts the driver's own
    ``connection.connection`` away and uses it after ``close()`` is beyond all this.)

When it fails
    All connections in use for longer than ``wait``: `PoolTimeout`, a ``django.db.OperationalError``, for
    which the site answers 503 with Retry-After. PostgreSQL can't be reached, or has no connection left: its
    own OperationalError at once, and a new attempt with the next request; nothing has to be restarted. Its
    restart costs the requests that are being served; those that begin when it answers again are served. A
    server that vanishes without closing its sockets is noticed by the statement that waits for it
    (``check="query"`` notices before, for a round trip each time). ``figures()`` tells what each pool does.

How to measure
    ``python -m bench dbpool``: requests a second and connections, against Django's two ways and psycopg 3's
    pool. ``TORTURE=1 pytest apps/dbpool/tests/test_crowd.py``: a minute of 64 misbehaving threads.
"""

from apps.dbpool.pool import Figures, PoolTimeout
from apps.dbpool.registry import figures

__all__ = ["Figures", "PoolTimeout", "figures"]

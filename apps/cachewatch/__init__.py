"""A watch on the caches: samples what is cached, compares it with PostgreSQL, and counts what is stale.

In one minute: apps register *kinds* of entries (`kinds`). Every five minutes a command takes a sample of
each, and reads each entry between two reads of its rows::

    rows --> entry --> rows        the same rows twice, and another entry: suspected
      | a second later
    rows --> entry --> rows        suspected again, the same bytes: stale, counted

Problem (2008)
    Kwippy showed stale pages, and did not know how many. A cache that is wrong now and then looks like one
    that is right: each visitor sees one page, and a reload mends it. (Meta's Polaris watches its caches in
    this way.)

Mechanism
    - A `Kind` has a sample of ids, and for each id the key of its entry, and a function that computes what a
      new entry would hold.
    - A write during a look moves the rows, so that they differ from each other. A write just before it has a
      second to invalidate: its entry is then gone, or has other bytes.
    - Looks read without a lease: they fill nothing, and no reader waits for one.
    - The table `Watched` sums up each kind: looked at, stale, when last. `/metrics` and `manage.py doctor`
      read it.

Switch
    The task "watch the caches" in ``TASKS``: without it nothing is counted.

Invariant
    An entry is counted only if it stood unchanged for a second beside rows that it contradicts. A sample is
    at most `SAMPLE` entries of a kind, and of pages `PAGES`: they are rendered up to four times.

When it fails
    *memcached is down*: no entry is found, and none counted. *PostgreSQL is down*: the command is retried, as
    each is. *A look costs too much*: each kind ends after `SECONDS`.

How to measure
    ``kwippy_cache_watched_total`` and ``kwippy_cache_stale_total`` at ``/metrics``. Each stale entry is
    logged with its kind and key.

Read in this order: `kinds.py`, `watch.py`, `apps/accounts/watched.py`,
`tests/invalidation/test_cache_watch.py`.
"""

from apps.cachewatch.kinds import Item, Kind, kinds

__all__ = ["Item", "Kind", "kinds"]

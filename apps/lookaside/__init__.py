"""A look-aside cache with leases over memcached: no read returns a value older than the last invalidation.

Bound: 300 s, if a delete is lost.

A reader that misses gets a *lease* with the miss. Only its holder may store a value, and only while the key
is unchanged. A write deletes the key after its commit, which voids the lease::

    reader            memcached              writer
      |-- mg k N ------->| miss, lease 7       |
      |  SELECT old row  |                     | UPDATE, COMMIT
      |                  |<------ md k --------|
      |-- ms k C7 ------>| refused             |

Read in this order: stores.py, backends.py, peeking.py, memcached.py, client.py, server.py, marks.py,
values.py, tests/test_interleavings.py.

Problem (2008)
    Get, read, set is a race: a reader reads the old row, a writer commits and deletes the key, the reader
    sets the old row. Django's ``cached_db`` sessions thus sign a user in again
    who signed out.

Mechanism
    - A miss (``mg … N``) grants a lease for 3 seconds; a fill (``ms … C``) is a compare-and-swap with its
      number, on its connection only: a restarted memcached repeats numbers.
    - Other readers poll for 75 ms, then compute without storing.
    - ``cache().get_or_compute(key, compute)`` and ``get_many_or_compute`` read and fill in one round trip
      each. ``cache().invalidate(keys)`` belongs into a commit hook, and returns failed keys.
    - ``with cache().peeking(keys)``: the next read fetches these too, without a lease.
    - ``cache().mark(keys)``, before a COMMIT, hides keys until their invalidation.
    - Inside a transaction or `bypassed()`, reads compute and store nothing. ``compute`` must read the
      primary.
    - Entries are bytes or JSON, never pickle, under an HMAC with schema and expiry. Small ones are
      verified once.
    - A connection a thread, 0.2 s to connect and reply; threads skip a silent server for 2 s.

Switch
    ``CACHES["lookaside"]["BACKEND"]`` in ``apps.lookaside.backends``: ``MemcachedLookaside``
    (`server.Options`), ``LocalLookaside`` (one process, 5 seconds at most), ``NoLookaside`` (off: reads
    compute).

Invariant
    A read that begins after a commit and its invalidation returns no older value (300 s if a delete is lost),
    in every interleaving of readers, writers, evictions, restarts and late fills. An attacker in memcached
    can delete values, but not forge, move or extend one. memcached never makes a read raise.

When it fails
    *memcached is down*: reads compute. *A delete fails*: a thread tries again every 0.25 s, and
    `on_invalidation_failed` later; until then others may read a stale value, but not where it was refused.
    *Killed before the commit hook*: stale for 300 s; with marks that memcached took, nothing is. *Several
    servers*: partitions cause stale reads for one TTL. *Database restored*: ``cache().clear()``. *DNS*:
    without a time limit.

How to measure
    ``make bench``. Off caches no users, sessions or cards; a member's page is
    [6.6](docs/results/ladder.json "network_100_active_whole_times_as_fast_as_without_lookaside") times as
    fast with it.
"""

from apps.lookaside import stats
from apps.lookaside.backends import Lookaside, cache, on_invalidation_failed
from apps.lookaside.bypass import bypassed, bypassing
from apps.lookaside.marks import NO_MARKS, Marks

__all__ = [
    "NO_MARKS",
    "Lookaside",
    "Marks",
    "bypassed",
    "bypassing",
    "cache",
    "on_invalidation_failed",
    "stats",
]

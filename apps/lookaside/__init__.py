"""A look-aside cache with leases over memcached: after an invalidation, no read returns the older value.

In one minute: a reader that misses gets a *lease* with the miss. Only its holder may store a value, and only
while the key is unchanged. A write deletes the key after its commit, which voids the lease. So a value read
before a write can't be stored after it::

    reader             memcached                 writer
      |--- mg k N -------->|  miss, lease 7         |
      |  SELECT old row    |                        |  UPDATE, COMMIT
      |                    |<------- md k ----------|
      |--- ms k C7 ------->|  refused: 7 is void    |

Read in this order: stores.py (lease), backends.py, memcached.py (commands), client.py (pymemcache), server.py
(pending deletes), values.py, tests/test_interleavings.py.

Problem (2008)
    Kwippy kept users and sessions in memcached, and set or deleted keys by hand. Even without mistakes, get,
    read, set is a race: a reader misses and reads the old row, a writer commits and deletes the key, the reader
    sets the old row. It stays for its TTL. Django's ``cached_db`` has this race: a user who signed out is signed
    in again. Django also reconnects to memcached for each request, which costs more than the read.

Mechanism
    - A miss (``mg … N``) gives the first reader a lease for 3 seconds; a fill (``ms … C``) is a compare-and-swap
      with its number. It is valid only on its connection: a restarted memcached repeats numbers.
    - Other readers poll for 75 ms, then compute without storing. A lease holder never waits. A failed
      computation releases its lease.
    - ``cache().get_or_compute(key, compute)`` and ``get_many_or_compute`` take a round trip to read and one to
      fill. None is cached for 30 seconds.
    - ``cache().invalidate(keys)`` belongs into a commit hook. It returns failed keys and passes them to
      `on_invalidation_failed`.
    - Inside a transaction and inside `bypassed()`, reads compute and store nothing. ``compute`` must read from
      the primary.
    - Entries are bytes or JSON, never pickle, under an HMAC with schema and expiry. An invalidation reaches
      every schema.
    - Connections stay open, one a thread, with 0.2 s to connect and to reply. All threads skip a server that
      does not reply for 2 s.

Switch
    ``CACHES["lookaside"]["BACKEND"]``: ``apps.lookaside.backends.MemcachedLookaside`` (LOCATION: addresses;
    OPTIONS: `server.Options`, including TLS), ``…LocalLookaside`` (one process, at most 5 seconds), or
    ``…NoLookaside`` (off: each read computes). Requires memcached 1.6.

Invariant
    A read that begins after a commit and its successful invalidation returns no older value, in every
    interleaving of three readers, two writers, evictions, restarts and late fills. An attacker who can write to
    memcached can delete values, but not forge, move or extend one. memcached never makes a read raise.

When it fails
    *memcached is down*: reads compute. *A delete fails*: the process replays it before it reads from that server
    again; `on_invalidation_failed` retries it should the process end; until then others may read a stale value.
    *Killed between COMMIT and commit hook*: entries expire within their TTL (300 s). *Several servers*: a key
    never moves; a partition, or different lists of servers, cause stale reads for one TTL. *Database restored*:
    ``cache().clear()``. *Value over 1 MB*: returned, not stored. *DNS*: name lookups have no time limit.

How to measure
    ``python -m bench lookaside``: a call and a member's page, here and in stock Django. By hand: the
    Server-Timing header in development.
"""

from apps.lookaside import stats
from apps.lookaside.backends import Lookaside, cache, on_invalidation_failed
from apps.lookaside.bypass import bypassed, bypassing

__all__ = ["Lookaside", "bypassed", "bypassing", "cache", "on_invalidation_failed", "stats"]

"""A look-aside cache with leases over memcached: what it gives back is never older than the last write.

Problem (2008)
    Kwippy read its user and its session from the database for every request, then put both into memcached
    and hoped: whoever changed a row set or deleted the key by hand, where somebody had thought of it. Even
    where everybody does, get, read, set is a race: a reader that misses, reads the old row, and is overtaken
    by a write and its delete, sets the old row afterwards. It stays for as long as the cache keeps it.
    Django's ``cached_db`` sessions have this race: somebody who signed out is signed in again. And Django
    closes its connection to memcached after each request, which costs more than the read.

Mechanism
    - Only who holds the key's *lease* stores anything. Who misses first gets it with the miss: memcached's
      ``mg … N`` answers with a number for the key's state and leaves a placeholder. After computing, the
      holder stores *if that number still holds* (``ms … C``). An invalidation deletes the placeholder, so
      that a value read before a write can't be stored after it. A lease counts on the connection that it
      came from alone: a restarted memcached gives out the same numbers once more.
    - Others wait a moment (four looks in 75 ms), then compute and store nothing. Who holds a lease does not
      wait for another. A failed computation gives its lease back; a holder that died keeps it 3 seconds.
    - One round trip reads, one fills, for up to 100 keys: ``cache().get_or_compute(key, compute)`` and
      ``cache().get_many_or_compute(keys, compute)``. None is a value too, kept for 30 seconds.
    - ``cache().invalidate(keys)`` deletes now: call it from a commit hook. It returns the keys for which
      that failed, and hands them to the functions in `failed`, to be retried (``retrying=True``).
    - Inside a transaction, and inside ``bypassed()``, reads compute and store nothing: what a transaction
      sees is nobody else's truth. (``ATOMIC_REQUESTS`` leaves the cache unused, and so does a test that runs
      inside a transaction.) `compute` has to read from the primary.
    - Values are bytes or JSON, compressed above 4 kB, under an HMAC of key, flags, schema, end and body.
      Never pickle. Keys are hashed. A value of another ``schema`` is a miss and is replaced; the schema is
      in the value and not in the key, so that an invalidation reaches the entries of every release.
    - Connections are kept, one a thread and process, with 0.2 s to connect and to answer. A server that gave
      no answer is left alone by all threads for 2 s, then one of them looks again.
    - `stats.collected()` counts round trips, hits, misses and seconds of this thread.

Switch
    ``CACHES["lookaside"]["BACKEND"]``: ``apps.lookaside.backends.MemcachedLookaside`` (LOCATION: an address
    or a list; OPTIONS: ``connect_timeout``, ``timeout``, ``dead_timeout``), ``…LocalLookaside`` in this
    process, for development and single-process sites (5 seconds at most: no other process can be told to
    forget), ``…NoLookaside`` without any. memcached 1.6 or later.

Invariant
    A read that begins after a write has been committed and its invalidation has succeeded does not return an
    older value: over every interleaving of three readers, two writers, evictions, expiries, restarts and late
    fills. Whoever can write to memcached can remove values and delay pages, not make values up, move them
    to another key, keep them beyond their time, or have code run. No read raises because of memcached.

When it fails
    *memcached is away, silent or restarted*: reads compute. *A delete fails*: the process owes it to the
    server, and pays before it reads from it again; the functions in `failed` have it retried in case the
    process ends; other processes may read the old value until then. *Killed between COMMIT and the commit
    hook, or everything above failed*: entries end after their TTL, 300 seconds unless asked for otherwise,
    and never later, whatever memcached's clock says. *Several servers*: a key has one home and moves to no
    other while that is away; a server that returns after a partition holds what it missed, and processes
    that disagree on the list of servers invalidate each other's entries in vain: both for one TTL. One
    server promises more. *A database restored from a backup*: ``cache().clear()``. *Values of over 1 MB* are
    given and not kept. A host *name* that does not resolve is waited for as long as the resolver likes.

How to measure
    ``python -m bench lookaside``: a call here and in stock Django, a member's network page on both. By
    hand: the Server-Timing header of any page in development.
"""

from apps.lookaside import stats
from apps.lookaside.backends import Lookaside, cache, on_invalidation_failed
from apps.lookaside.bypass import bypassed, bypassing

__all__ = ["Lookaside", "bypassed", "bypassing", "cache", "on_invalidation_failed", "stats"]

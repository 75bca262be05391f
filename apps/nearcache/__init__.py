"""A near cache: immutable values in the memory of one process, within a limit of bytes.

In one minute: memcached is a system call away, and what it sends must be checked and decoded. A process that
has just read an entry keeps the decoded value, under a key that holds every version the value depends on. A
write moves a version, so the next reader asks for another key, and the old value is evicted unread::

    reader --key with versions--> near cache --hit--> value
                                      | miss
                                  memcached (apps/lookaside) --> value, put into the near cache

    cards                kwip, versions, language, release    CARD_NEAR_CACHE_BYTES
    fragments            place in a template, its values      FRAGMENT_CACHE_BYTES
    anonymous pages      page, generations, release           8 MB (apps/pagecache)

Problem (2008)
    Kwippy read each cached object from memcached again for each request. A page of 20 cards is 60 kB: the
    round trip, the signatures and the decoding take longer than to join the cards.

Mechanism
    - `NearCache` maps keys to values of any type, and counts the bytes that the caller states for each.
    - Above the limit it evicts the least recently used values. A value larger than the limit is not kept.
    - A lock guards each access. `get_many` takes it once for all cards of a page.
    - Values are shared by threads, so nothing may change them.

Switch
    A limit of 0 bytes: nothing is kept. `settings/optimizations.py` has the limits.

Invariant
    A key determines its value: whatever the value depends on is in the key, or is read before the key is
    built. So no entry is ever stale, and nothing invalidates. A value that was computed inside a transaction
    is not put: a rollback would leave it under a version that another transaction uses again.

When it fails
    It is memory of the process, with no service behind it; a restart empties it. *A database is restored from
    a backup*: versions repeat, so restart the processes too, as `deploy/restore` does. *More values are used
    than the limit takes*: reads miss, as without it. *A key lacks a version*: a stale value until the process
    ends.

How to measure
    It has no published figure of its own. By hand: `NearCache.hits` and `misses`; the Server-Timing header,
    which counts the round trips that are left.

Read in this order: `cache.py`, `tests/test_cache.py`, `apps/kwips/cards.py`.
"""

from apps.nearcache.cache import NearCache

__all__ = ["NearCache"]

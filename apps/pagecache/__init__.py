"""A full-page cache for anonymous visitors in memcached: served without Django, purged by surrogate key.

In one minute: each family of pages (a *surrogate key*, as ``user:ann``) has a *generation*: a random version
that its pages are stored under. Changing it makes them unreachable::

    GET /ann/ -> generations: user:ann=x7 people=q2
              -> page:/ann/:x7:q2 -- hit --> response, no Django
                    | miss, with lease
                 Django renders /ann/ -> stored under x7:q2
    purge("user:ann") deletes x7; the next request creates k4 and reads page:/ann/:k4:q2

Read in this order: addresses.py, cacheable.py, surrogate.py, wsgi.py, responses.py, shedding.py.

Problem (2008)
    Kwippy cached public pages for a fixed TTL, as Django's cache middleware does.

Mechanism
    - A view opts in: ``@public_page("user:{username}", "people")``, with the arguments it reads.
    - An anonymous request is rebuilt from its path and allowed arguments, without a visitor's headers.
    - Generations are read before the page's SQL: a page rendered before a purge and stored after it has the
      old generation in its key. They are random: evictions bring none back.
    - The first reader that misses gets a lease (`apps/lookaside`) and renders; others wait up to
      1.6 s, then render without storing.
    - Not stored: statuses but 200, a cookie, token, nonce or cursor, over 256 kB.
    - `Admission` sheds load: while requests wait, misses and cursors get 503, mostly by nginx.

    ================ ========================== =============== ===================== ===============
    cache            key                        where           lifetime              invalidated by
    ================ ========================== =============== ===================== ===============
    pages            release+page+generations   memcached       TTL, 300 s at most    new generation
    near cache       release+page+generations   process, 8 MB   that of the page      new generation
    generations      surrogate keys             process, 1,024  GENERATIONS_TTL_MS    own purge
    coalesced        page                       process         1 s, memcached down   nothing
    admission marker page                       memcached       24 h                  nothing
    ================ ========================== =============== ===================== ===============

    Marker: a page is stored on its second request; ``manage.py warmpages`` stores `warm_paths` before.

Switch
    ``PAGECACHE``: None is off. CACHE: one of ``CACHES``; SITE_URL; COOKIES that may identify a visitor;
    RELEASE; GENERATIONS_TTL_MS (0: off), to reuse generations. ``SHEDDING``: None is off.

Invariant
    After `purge` returns, no new request gets an older page (in other processes: after GENERATIONS_TTL_MS;
    through nginx: after 2 s, on a 503 later; stale for 300 s at most if the purge was lost). No page depends
    on its visitor. Added arguments and unknown addresses create no entries. Members and recent hits are
    not shed.

When it fails
    *memcached is down*: each process renders a page once a second. *A page is marked* (MARK_SECONDS):
    requests wait 15 ms, then share renders begun after them. *A purge fails*: retried. *PostgreSQL is
    down*: stored pages are served.

How to measure
    ``make bench SUBJECT=pagecache``. Off is Django's cache middleware
    (``bench/pagecache/django_settings.py``); ours is
    [3.1](docs/results/pagecache.json "page_times_as_fast_as_django_middleware") times as fast. In the ladder
    ``PAGECACHE = None``:
    [10.1](docs/results/ladder.json "front_page_whole_times_as_fast_as_without_pagecache") times.
"""

from apps.pagecache.addresses import public_page, warm_paths
from apps.pagecache.responses import is_unmodified
from apps.pagecache.surrogate import cache, forget_reused, generation_key, purge
from apps.pagecache.wsgi import stats, wrapped

__all__ = [
    "cache",
    "forget_reused",
    "generation_key",
    "is_unmodified",
    "public_page",
    "purge",
    "stats",
    "warm_paths",
    "wrapped",
]

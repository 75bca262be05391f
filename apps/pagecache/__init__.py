"""Pages for everyone who is not signed in, kept whole: as fast as a file, and taken back when they change.

Problem (2008)
    Kwippy kept the pages that it showed to visitors in memcached, for a while, and showed them until the
    while was over. Django's `UpdateCacheMiddleware` and `FetchFromCacheMiddleware` do the same: a page is
    kept for its time whatever happens to it, under a key of its whole address with anything that anybody
    adds to it, once for each cookie; a hit runs through Django's middleware; and when a page's time is over,
    everyone who asks for it renders it.

Mechanism
    - A view opts in by ``@public_page("user:{username}", "people")``. It names *surrogate keys* that follow
      from its address, and the arguments it knows; all others are dropped.
    - A WSGI wrapper stands around Django. A request without a session, `Authorization` or `HX-*`, by a known
      host, for such a page is made anew out of its path and known arguments: no cookie and no header of the
      visitor's reaches Django, so none can show. Everything else passes through untouched.
    - Each surrogate key has a *generation*, a random token in the cache. The generations of a page are read
      *before* Django is asked, and are part of the key that it is kept under. `purge` deletes generations:
      the next reader draws new ones, and all pages of the family are unknown. One that was evicted and drawn
      anew resurrects nothing. A page that was read before a change and kept after it is kept under
      generations that nobody looks for any more.
    - A hit is two round trips to memcached (generations, page), and no Django. A page that this process has
      met under the very same generations is not sent again: one round trip. A miss takes a lease: one
      renders, the others wait for it (1.6 s at most, then they render and keep nothing).
    - Kept: whole pages (200) without cookie, token or nonce, up to 256 kB compressed, asked for a second
      time within a day. A page with a cursor is made for each request.
    - Compressed once; strong ETags for each encoding, `If-None-Match`, `If-Modified-Since`, HEAD;
      ``public, max-age=0, s-maxage=1``: browsers ask each time, and an nginx in front answers for a second by
      itself.
    - ``manage.py warmpages`` makes the pages that most will ask for, before they do: those that the functions
      in `popular` name.

Switch
    ``PAGECACHE`` in the settings: None is off, and leaves Django as it is. CACHE names a look-aside cache in
    ``CACHES`` (``get_or_compute``, ``get_many_or_compute``, ``invalidate``, ``is_down``), SITE_URL the site,
    COOKIES those that say who somebody is, RELEASE changes with the code. `wsgi.py` calls `wrapped`.

Invariant
    After `purge` has returned, no request that begins shows what was before the change, but through the edge
    for its second. No visitor is shown anything that depends on who asked. Whatever a stranger adds to an
    address makes no further entry, and neither does an address of no page.

When it fails
    *memcached is away*: each process keeps a page for one second and renders it once, whoever asks; nothing
    can be purged from that, so a page may be a second and one render old. *A purge fails*: the cache has it
    retried; until then, 300 seconds at most, the old page is shown. *PostgreSQL is away*: what is kept is
    shown for its time. *A purge without a change*: the page is rendered once more.

How to measure
    ``python -m bench pagecache``. By hand: the header ``Cache-Status: pagecache; hit``.
"""

from apps.pagecache import stats
from apps.pagecache.addresses import public_page
from apps.pagecache.pages import is_unmodified
from apps.pagecache.purging import purge
from apps.pagecache.registry import popular
from apps.pagecache.wsgi import wrapped

__all__ = ["is_unmodified", "popular", "public_page", "purge", "stats", "wrapped"]

"""The site with Django's own page cache, as its documentation sets it up, in place of ours."""

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES, MEMCACHED_SERVERS, MIDDLEWARE

PAGECACHE = None
PAGES = "django.core.cache.backends.memcached.PyMemcacheCache"
CACHES = CACHES | {"pages": {"BACKEND": PAGES, "LOCATION": MEMCACHED_SERVERS}}
CACHE_MIDDLEWARE_ALIAS = "pages"
CACHE_MIDDLEWARE_SECONDS = 300
MIDDLEWARE = [
    "django.middleware.cache.UpdateCacheMiddleware",
    # After it in this list, and so before it on the way out: what is kept is compressed.
    "django.middleware.gzip.GZipMiddleware",
    # It would keep nothing that is private, which here everything is at first.
    *[name for name in MIDDLEWARE if name != "kwippy.middleware.PrivateByDefaultMiddleware"],
    "django.middleware.cache.FetchFromCacheMiddleware",
]

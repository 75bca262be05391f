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
    # Below the cache in this list, and so above it on the way out: the cache stores compressed pages.
    "django.middleware.gzip.GZipMiddleware",
    # Without this middleware, by which every page is private at first: Django's cache stores no private page.
    *[name for name in MIDDLEWARE if name != "kwippy.middleware.PrivateByDefaultMiddleware"],
    "django.middleware.cache.FetchFromCacheMiddleware",
]

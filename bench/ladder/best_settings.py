"""Django's own best: what its documentation offers for speed, in place of the five optimizations.

Connections that stay open, sessions in memcached (`cached_db`), and its cache middleware for anonymous
visitors, whose pages are then stale for up to a minute. The pages are those of `bench/ladder/pages.py`: the
ORM with `select_related` and `prefetch_related`, and `Paginator`. No cached fragments of templates.
"""

from kwippy.settings.base import MEMCACHED_SERVERS
from kwippy.settings.stock import *  # noqa: F403
from kwippy.settings.stock import CACHES, DATABASES, MIDDLEWARE

LADDER_ON: frozenset[str] = frozenset()
LADDER_CACHES_CARDS = False
ROOT_URLCONF = "bench.ladder.urls"
DATABASES = {"default": DATABASES["default"] | {"CONN_MAX_AGE": None, "CONN_HEALTH_CHECKS": True}}
CACHES = CACHES | {
    "django": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": MEMCACHED_SERVERS,
    }
}
SESSION_ENGINE = "django.contrib.sessions.backends.cached_db"
SESSION_CACHE_ALIAS = CACHE_MIDDLEWARE_ALIAS = "django"
CACHE_MIDDLEWARE_SECONDS = 60
MIDDLEWARE = [
    "bench.ladder.anonymous_cache.UpdateCacheMiddleware",
    # Below the cache in this list, and so above it on the way out: the cache stores compressed pages.
    "django.middleware.gzip.GZipMiddleware",
    # Without this middleware, by which every page is private at first: Django's cache stores no private page.
    *[name for name in MIDDLEWARE if name != "kwippy.middleware.PrivateByDefaultMiddleware"],
    "bench.ladder.anonymous_cache.FetchFromCacheMiddleware",
]

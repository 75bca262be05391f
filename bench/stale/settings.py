"""The site's settings, and Django's own cache in the same memcached."""

from kwippy.settings import *  # noqa: F403
from kwippy.settings import CACHES, MEMCACHED_SERVERS

CACHES = CACHES | {
    "rival": {
        "BACKEND": "django.core.cache.backends.memcached.PyMemcacheCache",
        "LOCATION": MEMCACHED_SERVERS,
    }
}
# What Django's `cached_db` uses. Ours does not read it.
SESSION_CACHE_ALIAS = "rival"

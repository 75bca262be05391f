"""Taking pages back."""

from collections.abc import Iterable

from django.conf import settings
from django.core.cache import caches

from apps.pagecache.wsgi import generation_key


def purge(keys: Iterable[str]) -> list[str]:
    """Takes every page of these surrogate keys back, now: call it when the change has been committed.

    Returns the keys for which it failed; the cache has them retried.
    """
    if settings.PAGECACHE is None:
        return []
    names = {generation_key(key): key for key in keys}
    cache = caches[settings.PAGECACHE["CACHE"]]
    return [names[lost] for lost in cache.invalidate(names)]  # type: ignore[attr-defined]

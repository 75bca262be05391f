"""For a watch on the caches: stored pages, and how they would be rendered now."""

import gzip
import random
from collections.abc import Callable, Sequence
from functools import cache, partial
from typing import NamedTuple, cast

from django.conf import settings
from django.core.wsgi import get_wsgi_application

from apps.pagecache.addresses import resolve_address, warm_paths
from apps.pagecache.management.commands.warmpages import warming_request
from apps.pagecache.responses import Page
from apps.pagecache.wsgi import PageCache, wrapped

# Pages in one look. Each is rendered twice.
PAGES = 8


class StoredPage(NamedTuple):
    """The key of a page's entry, and what renders the page anew."""

    path: str
    key: str
    fresh: Callable[[], bytes]


def sample() -> list[str]:
    """Some of the most requested pages."""
    if settings.PAGECACHE is None:
        return []
    paths = list(dict.fromkeys(path for function in warm_paths for path in function()))
    return random.sample(paths, min(len(paths), PAGES))


def stored(paths: Sequence[str]) -> list[StoredPage]:
    """Those of the pages that have a key now."""
    found = []
    for path in paths:
        environ = warming_request(path)
        address = resolve_address(str(environ["PATH_INFO"]), str(environ["QUERY_STRING"]))
        key = address and _application().stored_key(address)
        if address and key:
            found.append(StoredPage(path, key, partial(_application().fresh, address, environ)))
    return found


def body(encoded: bytes) -> bytes:
    """What must be equal: two renderings of one page have the same body."""
    return gzip.decompress(Page.decode(encoded).gzipped) if encoded else b""


@cache
def _application() -> PageCache:
    return cast("PageCache", wrapped(get_wsgi_application()))  # `sample` is empty where it is off

"""The WSGI wrapper around Django: serves a stored page, or has Django render it and stores it."""

import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import AbstractContextManager, nullcontext
from time import sleep, time
from typing import Any, cast

from django.conf import settings
from django.core.cache import caches

from apps.pagecache.addresses import Address, resolve_address, sheddable
from apps.pagecache.cacheable import Environ, Site, decoded_path
from apps.pagecache.coalescing import TTL_SECONDS, CoalescedRenders
from apps.pagecache.near_cache import NearCache
from apps.pagecache.responses import MAX_PAGE_BYTES, Page, Response, replacing
from apps.pagecache.shedding import Admission, Shed
from apps.pagecache.surrogate import Cache, Generations, generation_key, generations, stored_tokens

type StartResponse = Callable[..., Any]
type Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# Seconds between reads while another process renders the page. After the last, render without storing.
WAITS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.5)
# Seconds between reads while a generation is marked: a COMMIT and its invalidation take a few milliseconds.
MARK_WAITS = (0.005, 0.01)
# Admission policy: a page is stored on its second request within this time. Crawlers read thousands of pages
# that have no other readers.
ADMISSION_WINDOW = 24 * 3600
# In a request's environ: store the page on its first request.
WARM = "pagecache.warm"
# The encoding of a page that is not stored.
NOT_STORED = b""
# By result, as in RFC 9211; of all others "fwd=miss".
CACHE_STATUS = {"hit": "pagecache; hit", "collapsed": "pagecache; fwd=miss; collapsed"}

_lock = threading.Lock()
_counts: Counter[str] = Counter()


def stats() -> dict[str, int]:
    """Responses of this process by result.

    "hit"; "miss" (rendered and stored); "uncacheable" (rendered, not stored: not a page, too large, or the
    first request within the admission window); "collapsed" (not stored, and rendered for another request,
    too); "backend_down" (rendered while memcached was down); "bypass" (members, forms, cursors: passed to
    Django unchanged); "shed" (refused, see `shedding`).
    """
    with _lock:
        return dict(_counts)


class PageCache:
    """``application`` behind the cache."""

    def __init__(
        self,
        application: Application,
        *,
        cache: str,
        site: Site,
        release: str,
        generations_ttl: float = 0,
        admission: Admission | None = None,
    ) -> None:
        self._application = application
        self._admission = admission
        self._cache_alias = cache
        self._site = site
        self._release = release
        self._generations_ttl = generations_ttl
        self._near = NearCache()
        self._renders = CoalescedRenders()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        if self._admission is not None:
            self._admission.observe(environ)
        address = self._public_address(environ)
        try:
            if address is None:
                return self._bypass(environ, start_response)
            self._shed_if_cold(address, environ)
            rendered, result = self._get_or_render(address, environ)
        except Shed as shed:
            assert self._admission is not None  # noqa: S101 - it raised this
            rendered, result = self._admission.refuse(shed, environ), "shed"
        _count(result)
        if isinstance(rendered, Page):
            response = rendered.respond(
                accept_encoding=environ.get("HTTP_ACCEPT_ENCODING", ""),
                if_none_match=environ.get("HTTP_IF_NONE_MATCH", ""),
                if_modified_since=environ.get("HTTP_IF_MODIFIED_SINCE", ""),
                cache_status=CACHE_STATUS.get(result, "pagecache; fwd=miss"),
            )
        else:
            response = replacing(rendered)
        start_response(response.status, response.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [response.body]

    def _public_address(self, environ: Environ) -> Address | None:
        if not self._site.is_cacheable(environ):
            return None
        path = decoded_path(environ)
        return resolve_address(path, environ.get("QUERY_STRING", "")) if path else None

    def _bypass(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Passes a request to Django, unless it is shed: an anonymous one for a page at a cursor."""
        path = decoded_path(environ)
        may_shed = bool(path) and sheddable(cast("str", path)) and self._site.is_cacheable(environ)
        with self._admitted(environ, may_shed=True) if may_shed else self._others_first():
            _count("bypass")
            return self._application(environ, start_response)

    def _others_first(self) -> AbstractContextManager[None]:
        """During a member's request, renders for anonymous visitors stop at their next statement."""
        return nullcontext() if self._admission is None else self._admission.others_first()

    def _shed_if_cold(self, address: Address, environ: Environ) -> None:
        """Raises Shed early, where `_render` would: mostly after one round trip, and nothing is created."""
        if self._admission is None or not address.may_shed:
            return
        reason = self._admission.reason_to_shed(environ)
        # While memcached is down, the fallback knows what is a hit.
        if reason is None or self._cache.is_down(map(generation_key, address.keys)):
            return
        key = self.stored_key(address)
        if key is None or (self._near.get(key) is None and self._cache.stored_value(key) is None):
            raise Shed(reason)

    def _admitted(self, environ: Environ | None = None, *, may_shed: bool) -> AbstractContextManager[None]:
        """Holds a place for a render; for a request with this environ, if no other shares it. Raises Shed."""
        if self._admission is None or not may_shed:
            return nullcontext()
        return self._admission.render(environ)

    def _get_or_render(self, address: Address, environ: Environ) -> tuple[Page | Response, str]:
        """The page, or Django's response if it is not a page, and the result for `stats`."""
        cache = self._cache
        # Read before the SQL of the page: a purge during the render then makes its key unreachable.
        current = self._generations(cache, address)
        key = self._key(address, current.tokens)
        near = self._near.get(key)
        if near is not None:
            return near, "hit"
        if cache.is_down(current.names):
            rendered, is_shared = self._render_coalesced(address, environ, max_age=TTL_SECONDS)
            return rendered, "hit" if is_shared else "backend_down"
        try:
            rendered, result = self._get_or_store(key, current, address, environ)
        except Shed:
            cache.invalidate(current.created)
            raise
        if isinstance(rendered, Response) and current.created:
            # Requests for pages that do not exist leave no entries in memcached.
            cache.invalidate(current.created)
        return rendered, result

    def _get_or_store(
        self, key: str, current: Generations, address: Address, environ: Environ
    ) -> tuple[Page | Response, str]:
        """As `_get_or_render`, for a page that this process has not met."""
        if not current.are_shared:  # marked by a transaction, or by another reader who is late
            rendered, is_shared = self._render_coalesced(address, environ)
            return rendered, "collapsed" if is_shared else "uncacheable"
        fresh: list[Page | Response] = []

        def render() -> bytes:
            fresh.append(self._render(address, environ))
            return self._encode(fresh[0], address, environ)

        stored = self._cache.get_or_compute(key, render, ttl=address.ttl, waits=WAITS, storable=bool)
        rendered = fresh[0] if fresh else Page.decode(stored)
        if isinstance(rendered, Page) and stored:
            self._near.add(key, rendered)
            return rendered, "miss" if fresh else "hit"
        return rendered, "uncacheable"

    def _generations(self, cache: Cache, address: Address) -> Generations:
        """Those of the page. Where one is marked, it waits a little for the mark to go."""
        current = generations(cache, address.keys, ttl=self._generations_ttl)
        created = list(current.created)
        for seconds in () if current.are_shared or not cache.mark_seconds else MARK_WAITS:
            if current.are_shared or cache.is_down(current.names):
                break
            sleep(seconds)
            current = generations(cache, address.keys, ttl=self._generations_ttl)
            created += current.created
        return current._replace(created=created)

    def stored_key(self, address: Address) -> str | None:
        """The key under which a request would find the page now; None where a generation is missing."""
        tokens = stored_tokens(self._cache, address.keys)
        return None if tokens is None else self._key(address, tokens)

    def fresh(self, address: Address, environ: Environ) -> bytes:
        """The page as it would be stored now; empty for a response that is no page."""
        rendered = self._render(address, environ)
        return rendered.encode() if isinstance(rendered, Page) else NOT_STORED

    def _key(self, address: Address, tokens: str) -> str:
        return f"page:{self._release}:{address.name}\n{tokens}"

    def _render(self, address: Address, environ: Environ) -> Page | Response:
        request = self._site.canonical_request(environ, address.path, address.query)
        with self._admitted(may_shed=address.may_shed):
            response = response_of(self._application, request)
        return Page.from_response(response, expires_at=time() + address.ttl) or response

    def _render_coalesced(
        self, address: Address, environ: Environ, *, max_age: float = 0.0
    ) -> tuple[Page | Response, bool]:
        return self._renders.get_or_render(address, lambda: self._render(address, environ), max_age=max_age)

    def _encode(self, rendered: Page | Response, address: Address, environ: Environ) -> bytes:
        if isinstance(rendered, Response):
            return NOT_STORED
        encoded = rendered.encode()
        if len(encoded) > MAX_PAGE_BYTES:
            return NOT_STORED
        return encoded if WARM in environ or self._is_admitted(address) else NOT_STORED

    def _is_admitted(self, address: Address) -> bool:
        """Whether the page was requested before, within the admission window."""
        marker = secrets.token_urlsafe(6)
        key = f"seen:{address.name}"
        return bool(self._cache.get_or_compute(key, lambda: marker, ttl=ADMISSION_WINDOW) != marker)

    @property
    def _cache(self) -> Cache:
        return cast("Cache", caches[self._cache_alias])


def wrapped(application: Application, *, admission: Admission | None = None) -> Application:
    """``application`` behind the page cache of ``settings.PAGECACHE``, or itself if that is None."""
    options = settings.PAGECACHE
    if options is None:
        return application
    site = Site(site_url=options["SITE_URL"], hosts=settings.ALLOWED_HOSTS, cookies=options["COOKIES"])
    return PageCache(
        application,
        cache=options["CACHE"],
        site=site,
        release=options["RELEASE"],
        generations_ttl=options.get("GENERATIONS_TTL_MS", 0) / 1000,
        admission=admission,
    )


def response_of(application: Application, environ: Environ) -> Response:
    """Calls a WSGI application and returns its whole response."""
    started: list[tuple[str, list[tuple[str, str]]]] = []
    body: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        started.append((status, headers))
        return body.append

    chunks = application(environ, start_response)
    try:
        body += chunks
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = started[-1]
    return Response(status, headers, b"".join(body))


def _count(result: str) -> None:
    with _lock:
        _counts[result] += 1

"""The wrapper around Django: answers with a page that is kept, or has Django make it."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import time
from typing import Any, Protocol, cast

from django.conf import settings
from django.core.cache import caches

from apps.pagecache import requests
from apps.pagecache.addresses import Address, address
from apps.pagecache.alone import Copies
from apps.pagecache.met import Met
from apps.pagecache.pages import LARGEST, Answer, Page, answer, page
from apps.pagecache.requests import Environ, Site
from apps.pagecache.stats import count

type StartResponse = Callable[..., Any]
type Application = Callable[[Environ, StartResponse], Iterable[bytes]]

# While another process renders the page one waits so long, look by look, and renders it then as well.
WAITS = (0.01, 0.02, 0.04, 0.08, 0.15, 0.3, 0.5, 0.5)
# Far longer than any page: with its end all pages of a family would be unknown at once. A purge that was lost
# is missed no longer for it, as a page that was made before has its own time.
GENERATION_SECONDS = 24 * 3600
# An address that nobody asked for in so long is asked for the first time: it is not kept yet.
SEEN_SECONDS = 24 * 3600
# In a request's environ: keep the page although nobody asked for it yet.
WARM = "pagecache.warm"


class Cache(Protocol):
    """What this app needs of a cache: a look-aside cache with leases, and not Django's own interface."""

    def get_or_compute(
        self, key: str, compute: Callable[[], Any], *, ttl: int, waits: Sequence[float] | None = None
    ) -> Any: ...
    def get_many_or_compute(
        self, keys: Sequence[str], compute: Callable[[list[str]], Mapping[str, Any]], *, ttl: int
    ) -> dict[str, Any]: ...
    def invalidate(self, keys: Iterable[str]) -> list[str]: ...
    def is_down(self, keys: Iterable[str]) -> bool: ...


class Unkept(Exception):
    """What was made is not to be kept; carries it through the cache, which gives its lease back."""

    def __init__(self, made: Page | Answer) -> None:
        self.made = made


class PageCache:
    """``application`` behind the cache."""

    def __init__(self, application: Application, *, cache: str, site: Site, release: str) -> None:
        self._application = application
        self._cache_name = cache
        self._site = site
        self._release = release
        self._alone: Copies[Page | Answer] = Copies()
        self._met = Met()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        asked = self._asked(environ)
        if asked is None:
            count("passed")
            return self._application(environ, start_response)
        made, told = self._made(asked, environ)
        count(told)
        if isinstance(made, Page):
            made = answer(
                made,
                accept=environ.get("HTTP_ACCEPT_ENCODING", ""),
                none_match=environ.get("HTTP_IF_NONE_MATCH", ""),
                modified_since=environ.get("HTTP_IF_MODIFIED_SINCE", ""),
                told="pagecache; hit" if told == "hit" else "pagecache; fwd=miss",
            )
        start_response(made.status, made.headers)
        return [] if environ["REQUEST_METHOD"] == "HEAD" else [made.body]

    def _asked(self, environ: Environ) -> Address | None:
        """The public page that is asked for by someone who is no member; None if it is anything else."""
        if not self._site.is_plain(environ):
            return None
        path = requests.path(environ)
        return address(path, environ.get("QUERY_STRING", "")) if path else None

    def _made(self, asked: Address, environ: Environ) -> tuple[Page | Answer, str]:
        cache = self._cache
        names = [generation_key(key) for key in asked.keys]
        drawn: list[str] = []

        def draw(missing: list[str]) -> Mapping[str, str]:
            drawn.extend(missing)
            return _tokens(missing)

        # Before anything of the page is read from the database: what changes later changes these.
        generations = cache.get_many_or_compute(names, draw, ttl=GENERATION_SECONDS)
        key = f"page:{self._release}:{asked.name}\n{':'.join(generations.values())}"
        # These are memcached's, and of this moment: any that were drawn just now nobody has met.
        if (met := self._met.get(key)) is not None:
            return met, "hit"
        if cache.is_down(names):
            made, before = self._alone.get(asked, lambda: self._for_a_second(asked, environ))
            return made, "hit" if before else "away"
        told = "hit"

        def compute() -> bytes:
            nonlocal told
            told = "miss"
            return self._keepable(asked, environ)

        try:
            kept = cache.get_or_compute(key, compute, ttl=asked.ttl, waits=WAITS)
        except Unkept as unkept:
            if drawn and isinstance(unkept.made, Answer):
                # No page: made-up addresses leave nothing in memcached. To others it is a purge too many.
                cache.invalidate(drawn)
            return unkept.made, "unkept"
        kept_page = Page.decoded(kept)
        self._met.add(key, kept_page)
        return kept_page, told

    def _keepable(self, asked: Address, environ: Environ) -> bytes:
        """The page as it is kept. Raises `Unkept` for one that is not."""
        made = self._rendered(asked, environ)
        if isinstance(made, Answer):
            raise Unkept(made)
        encoded = made.encoded()
        if len(encoded) > LARGEST or (WARM not in environ and self._is_new(asked)):
            raise Unkept(made)
        return encoded

    def _is_new(self, asked: Address) -> bool:
        """Whether nobody asked for it before: crawlers pass by thousands of pages that nobody else reads."""
        new: list[bool] = []

        def see() -> int:
            new.append(True)
            return 1

        self._cache.get_or_compute(f"seen:{asked.name}", see, ttl=SEEN_SECONDS)
        return bool(new)

    def _for_a_second(self, asked: Address, environ: Environ) -> tuple[Page | Answer, bool]:
        made = self._rendered(asked, environ)
        return made, isinstance(made, Page)

    def _rendered(self, asked: Address, environ: Environ) -> Page | Answer:
        """What Django makes of it: the page, or an answer that is none."""
        made = called(self._application, self._site.plain(environ, asked.path, asked.query))
        return page(made, until=time() + asked.ttl) or made

    @property
    def _cache(self) -> Cache:
        return cast("Cache", caches[self._cache_name])


def called(application: Application, environ: Environ) -> Answer:
    """The whole answer of a WSGI application."""
    said: list[tuple[str, list[tuple[str, str]]]] = []
    body: list[bytes] = []

    def start_response(status: str, headers: list[tuple[str, str]], exc_info: object = None) -> Any:
        said.append((status, headers))
        return body.append

    chunks = application(environ, start_response)
    try:
        body += chunks
    finally:
        if hasattr(chunks, "close"):
            chunks.close()
    status, headers = said[-1]
    return Answer(status, headers, b"".join(body))


def wrapped(application: Application) -> Application:
    """``application`` behind the page cache of ``settings.PAGECACHE``; as it is where that is None."""
    options = settings.PAGECACHE
    if options is None:
        return application
    site = Site(site_url=options["SITE_URL"], hosts=settings.ALLOWED_HOSTS, cookies=options["COOKIES"])
    return PageCache(application, cache=options["CACHE"], site=site, release=options["RELEASE"])


def generation_key(key: str) -> str:
    """Where the generation of a surrogate key is kept: a random token, which its pages were made under."""
    return f"generation:{key}"


def _tokens(names: list[str]) -> dict[str, str]:
    # Random: one that was evicted and drawn again must not bring back what was kept under the last.
    return {name: secrets.token_urlsafe(9) for name in names}

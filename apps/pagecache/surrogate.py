"""Surrogate keys: each has a generation, a random token in the cache, which `purge` deletes."""

import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from time import monotonic
from typing import Any, NamedTuple, Protocol, cast

from django.conf import settings
from django.core.cache import caches

# Longer than any page's TTL. When a generation expires, all pages with its key become unreachable at once.
GENERATION_SECONDS = 24 * 3600
# The pages whose generations a process reuses, for GENERATIONS_TTL_MS. Beyond that it forgets all of them.
MAX_REUSED = 1024


class Cache(Protocol):
    """What this app needs of a cache: a look-aside cache with leases. Django's interface is not enough."""

    def get_or_compute(
        self,
        key: str,
        compute: Callable[[], Any],
        *,
        ttl: int,
        waits: Sequence[float] | None = None,
        storable: Callable[[Any], bool] | None = None,
    ) -> Any: ...
    def get_many_or_compute(
        self,
        keys: Sequence[str],
        compute: Callable[[list[str]], Mapping[str, Any]],
        *,
        ttl: int,
        unstored: set[str] | None = None,
    ) -> dict[str, Any]: ...
    def invalidate(self, keys: Iterable[str]) -> list[str]: ...
    # Of `apps.lookaside.marks`; 0 without marks.
    @property
    def mark_seconds(self) -> int: ...
    def is_down(self, keys: Iterable[str]) -> bool: ...
    def stored_value(self, key: str) -> Any: ...


class Generations(NamedTuple):
    """The generations of one page: their cache keys, their tokens as text, and the keys created just now.

    Not ``are_shared``: no other request will have these tokens, so a page under them would never be found.
    """

    names: list[str]
    tokens: str
    created: list[str]
    are_shared: bool


# By surrogate keys: when they may be reused until, and the generations. A purge of this process replaces the
# dictionary after its delete, so what a thread has read before the delete goes into the abandoned one.
_reused: dict[tuple[str, ...], tuple[float, Generations]] = {}


def generations(cache: Cache, keys: tuple[str, ...], *, ttl: float = 0) -> Generations:
    """The generations of these surrogate keys, in one round trip; missing ones are created.

    They are current, or were so at most ``ttl`` seconds ago: a purge by another process is noticed later.
    """
    if not ttl:
        return _read(cache, keys)
    reused, now = _reused, monotonic()  # both before the read, which takes time
    until, known = reused.get(keys, (0.0, None))
    if known is not None and now < until:
        return known
    read = _read(cache, keys)
    if read.are_shared:
        if len(reused) >= MAX_REUSED:
            reused.clear()
        reused[keys] = now + ttl, read._replace(created=[])
    return read


def _read(cache: Cache, keys: Iterable[str]) -> Generations:
    names = [generation_key(key) for key in keys]
    created: list[str] = []

    def create(missing: list[str]) -> Mapping[str, str]:
        created.extend(missing)
        return _new_tokens(missing)

    unstored: set[str] = set()
    tokens = cache.get_many_or_compute(names, create, ttl=GENERATION_SECONDS, unstored=unstored)
    return Generations(names, ":".join(tokens.values()), created, not unstored)


def stored_tokens(cache: Cache, keys: Iterable[str]) -> str | None:
    """The tokens of these surrogate keys as text, without creating one; None if one is missing."""
    tokens = []
    for key in keys:
        token = cache.stored_value(generation_key(key))
        if token is None:
            return None
        tokens.append(token)
    return ":".join(tokens)


def purge(keys: Iterable[str]) -> list[str]:
    """Makes every page with one of these surrogate keys unreachable. Call it after the commit.

    Returns the keys for which it failed; the cache retries them.
    """
    if (at := cache()) is None:
        return []
    names = {generation_key(key): key for key in keys}
    failed = at.invalidate(names)
    forget_reused()
    return [names[name] for name in failed]


def cache() -> Cache | None:
    """The cache of the generations; None with PAGECACHE off."""
    return None if settings.PAGECACHE is None else cast("Cache", caches[settings.PAGECACHE["CACHE"]])


def forget_reused() -> None:
    """Ends the reuse of generations in this process. Call it after each delete of generations."""
    global _reused
    _reused = {}


def generation_key(key: str) -> str:
    """The cache key of a surrogate key's generation."""
    return f"generation:{key}"


def _new_tokens(names: list[str]) -> dict[str, str]:
    # Random, not counted: after an eviction a counter would start again and make old pages reachable.
    return {name: secrets.token_urlsafe(9) for name in names}

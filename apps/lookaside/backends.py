"""The cache backends for CACHES: reading and invalidating over memcached, this process, or nothing."""

import hashlib
import logging
import random
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, cast

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from apps.lookaside import values
from apps.lookaside.bypass import bypassing
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.server import Options
from apps.lookaside.stats import counts
from apps.lookaside.stores import Fill, Lease, NoStore, Store, local_store
from apps.lookaside.values import MISSING

logger = logging.getLogger(__name__)

TTL = 300
# That there is nothing is forgotten sooner: it is what the guessing of addresses fills a cache with.
NONE_TTL = 30
LONGEST_TTL = 30 * 24 * 3600

# Called with the keys whose invalidation failed, to have it retried: by a command, say.
failed: list[Callable[[list[str]], object]] = []


class Lookaside(BaseCache):
    """A look-aside cache with leases, over a `store`. Only who holds a key's lease stores anything.

    Django's own `set`, `add`, `incr` and `touch` are not there: each of them can bring an old value back.
    """

    store: Store
    longest_ttl = LONGEST_TTL
    # For another's lease one waits so long, look by look; then one computes, and stores nothing.
    waits: Sequence[float] = (0.005, 0.01, 0.02, 0.04)

    def get_or_compute[V](
        self,
        key: str,
        compute: Callable[[], V],
        *,
        ttl: int = TTL,
        none_ttl: int = NONE_TTL,
        schema: int = 1,
        waits: Sequence[float] | None = None,
    ) -> V:
        """The value of ``key``, from the cache or else from ``compute``, as JSON brings it back.

        None is a value too, kept for ``none_ttl`` at most. ``waits`` are the seconds, look by look, that one
        waits for another's lease: what takes long to compute is worth longer ones. Raises what ``compute``
        raises, TypeError or ValueError for a value that is neither bytes nor JSON, ValueError for a TTL out
        of bounds.
        """

        def compute_many(_: list[str]) -> Mapping[str, V]:
            return {key: compute()}

        found = self.get_many_or_compute(
            [key], compute_many, ttl=ttl, none_ttl=none_ttl, schema=schema, waits=waits
        )
        return cast("V", found[key])

    def get_many_or_compute[V](
        self,
        keys: Sequence[str],
        compute: Callable[[list[str]], Mapping[str, V]],
        *,
        ttl: int = TTL,
        none_ttl: int = NONE_TTL,
        schema: int = 1,
        waits: Sequence[float] | None = None,
    ) -> dict[str, V | None]:
        """The values of ``keys``, in their order. ``compute`` is called once, for all that were not found.

        What it leaves out is None, and kept as such. One round trip reads, one more fills. Raises as
        `get_or_compute` does.
        """
        if not 0 < ttl <= LONGEST_TTL or not 0 < none_ttl <= LONGEST_TTL:
            raise ValueError("a TTL is 1 second to 30 days")
        names = {self._name(key): key for key in keys}
        missing = dict(names)
        found: dict[str, Any] = {}
        leases: dict[str, Lease] = {}
        if not bypassing():
            leases = self._look(missing, found, schema=schema, waits=self.waits if waits is None else waits)
        if missing:
            found |= self._computed(
                list(missing.values()), compute, leases, ttl=ttl, none_ttl=none_ttl, schema=schema
            )
        return {key: found[key] for key in names.values()}

    def invalidate(self, keys: Iterable[str], *, retrying: bool = False) -> list[str]:
        """Deletes now: call it when the write has been committed. Returns the keys for which it failed.

        A key that was not there has not failed. Failed ones are handed to each function in `failed`, unless
        this is such a function's own ``retrying``, and owed to the server by this process until it is back.
        """
        names = {self._name(key): key for key in keys}
        lost = [names[name] for name in self.store.delete(list(names))]
        if lost and not retrying:
            for function in failed:
                try:
                    function(lost)
                except Exception:
                    logger.exception("%s could not take over %s failed invalidations", function, len(lost))
        return lost

    def is_away(self, keys: Iterable[str]) -> bool:
        """Whether a server that should keep one of these is known not to answer; asks none."""
        return self.store.is_away([self._name(key) for key in keys])

    # ── What Django knows of a cache ──────────────────────────────────────────────────────────────

    def delete(self, key: str, version: int | None = None) -> bool:
        """Invalidates one key; whether that succeeded."""
        return not self.invalidate([key])

    def clear(self) -> None:
        """Forgets everything, as one must after a database was restored from a backup."""
        self.store.clear()

    def close(self, **kwargs: Any) -> None:
        """Closes nothing: Django calls it after each request, and a connection costs more than a read."""

    # ── How it is done ────────────────────────────────────────────────────────────────────────────

    def _name(self, key: str) -> bytes:
        """The key as stored: of one length, and telling nobody who reads memcached whose session it is."""
        return hashed(self.make_key(key))

    def _look(
        self, missing: dict[bytes, str], found: dict[str, Any], *, schema: int, waits: Sequence[float]
    ) -> dict[str, Lease]:
        """Moves what is cached from ``missing`` to ``found``; returns leases for some of what is left."""
        leases: dict[str, Lease] = {}
        for wait in (*waits, None):
            answers = self.store.fetch(list(missing))
            for name, answer in answers.items():
                entry = answer.entry
                value = MISSING if entry is None else values.decode(name, entry, schema=schema)
                if value is not MISSING:
                    found[missing.pop(name)] = value
                elif answer.lease:
                    leases[missing[name]] = answer.lease
            # Who holds a lease does not wait: two who wait for each other's would both wait for nothing.
            if wait is None or leases or not missing or any(name not in answers for name in missing):
                break
            counts().waits += 1
            counts().seconds += wait
            self._pause(wait)
        counts().hits += len(found)
        counts().misses += len(missing)
        return leases

    def _computed[V](
        self,
        keys: list[str],
        compute: Callable[[list[str]], Mapping[str, V]],
        leases: Mapping[str, Lease],
        *,
        ttl: int,
        none_ttl: int,
        schema: int,
    ) -> dict[str, Any]:
        """What ``compute`` says of ``keys``, stored where one holds the lease."""
        try:
            computed = compute(keys)
            found = {key: values.normal(computed.get(key)) for key in keys}
            fills = []
            for key, lease in leases.items():
                seconds = self._jittered(ttl if found[key] is not None else min(ttl, none_ttl))
                entry = values.encode(lease.key, found[key], schema=schema, ttl=seconds)
                fills.append(Fill(lease, entry, seconds))
        except BaseException:
            if leases:
                self.store.release(leases.values())
            raise
        if fills:
            self.store.fill(fills)
        return found

    def _jittered(self, ttl: int) -> int:
        """A little less than ``ttl``: what was filled together shall not run out together."""
        ttl = min(ttl, self.longest_ttl)
        return max(1, int(ttl * random.uniform(0.9, 1)))  # noqa: S311

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)


class MemcachedLookaside(Lookaside):
    """In memcached. LOCATION: an address or a list of them; OPTIONS: those of `server.Options`."""

    def __init__(self, location: str | Sequence[str], params: dict[str, Any]) -> None:
        super().__init__(params)
        addresses = location.replace(";", ",").split(",") if isinstance(location, str) else location
        self.store = MemcachedStore(addresses, Options(**params.get("OPTIONS", {})))


class LocalLookaside(Lookaside):
    """In this process. Others can't be told to forget anything: nothing lives longer than 5 seconds."""

    longest_ttl = 5

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._store_name = name

    @property
    def store(self) -> Store:  # type: ignore[override]
        # Looked up each time: a child born by fork has to forget what its parent knew.
        return local_store(self._store_name)


class NoLookaside(Lookaside):
    """No cache: each read computes. What the site does without this optimization."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.store = NoStore()


@lru_cache(maxsize=4096)
def hashed(key: str) -> bytes:
    """A key as it is stored. Each request asks for the same few again."""
    whole = key.encode(errors="surrogatepass")
    return urlsafe_b64encode(hashlib.blake2b(whole, digest_size=24).digest())


def cache(alias: str = "lookaside") -> Lookaside:
    """``caches[alias]``, with its type. Raises TypeError for a cache of another kind."""
    found = caches[alias]
    if not isinstance(found, Lookaside):
        raise TypeError(f"CACHES[{alias!r}] is no look-aside cache")
    return found

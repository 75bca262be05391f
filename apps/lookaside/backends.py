"""The backends for CACHES: compute under a lease, invalidate; in memcached, in this process, or off."""

import hashlib
import logging
import random
import time
from base64 import urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any, NamedTuple, cast

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache

from apps.lookaside import peeking, values
from apps.lookaside.bypass import bypassing
from apps.lookaside.marks import NO_MARKS, Marks
from apps.lookaside.memcached import MemcachedStore
from apps.lookaside.peeking import Peeks
from apps.lookaside.server import Options
from apps.lookaside.stats import counts
from apps.lookaside.stores import Answer, Fill, Lease, NoStore, Store, local_store
from apps.lookaside.values import MISSING, Entry

logger = logging.getLogger(__name__)

TTL = 300
# None ("does not exist") expires sooner: requests for guessed addresses would fill the cache with it.
NONE_TTL = 30
LONGEST_TTL = 30 * 24 * 3600

# The schema of each key's values, or one for all. An entry of another schema counts as missing, and is
# replaced: so that two releases side by side never read each other's values.
type Schemas = int | Mapping[str, int]

# Called with the keys whose invalidation failed, to retry it later.
on_invalidation_failed: list[Callable[[list[str]], object]] = []


def _of(schema: Schemas, key: str) -> int:
    return schema if isinstance(schema, int) else schema[key]


class Stored(NamedTuple):
    """An entry, and the name that its key has in the store."""

    name: bytes
    entry: Entry


class Lookaside(BaseCache):
    """A look-aside cache over a `store`, in which only the holder of a key's lease can store a value.

    Django's `set`, `add`, `incr` and `touch` are missing on purpose: each can bring a stale value back.
    """

    store: Store
    longest_ttl = LONGEST_TTL
    # For how long a key stays marked if nothing invalidates it. 0: `mark` does nothing.
    mark_seconds = 0
    # Pauses between reads while another reader holds the lease. After the last, compute without storing.
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
        storable: Callable[[Any], bool] | None = None,
        replace: bool = False,
    ) -> V:
        """The value of ``key`` from the cache, or from ``compute``, in the types that JSON returns.

        None is cached too, for at most ``none_ttl``. ``waits``: see the class; a slow ``compute`` is worth
        longer ones. A computed value that is not ``storable`` is returned, and its lease released. With
        ``replace`` a cached value counts as missing, and is replaced unless it changes meanwhile. Raises
        what ``compute`` raises, TypeError or ValueError for a value that is neither bytes nor JSON,
        ValueError for a TTL out of bounds.
        """

        def compute_many(_: list[str]) -> Mapping[str, V]:
            return {key: compute()}

        found = self.get_many_or_compute(
            [key],
            compute_many,
            ttl=ttl,
            none_ttl=none_ttl,
            schema=schema,
            waits=waits,
            storable=storable,
            replace=replace,
        )
        return cast("V", found[key])

    def get_many_or_compute[V](
        self,
        keys: Sequence[str],
        compute: Callable[[list[str]], Mapping[str, V]],
        *,
        ttl: int = TTL,
        none_ttl: int = NONE_TTL,
        schema: Schemas = 1,
        waits: Sequence[float] | None = None,
        storable: Callable[[Any], bool] | None = None,
        replace: bool = False,
        unstored: set[str] | None = None,
    ) -> dict[str, V | None]:
        """The values of ``keys``, in their order. ``compute`` is called once, for all missing keys.

        A key that it leaves out has the value None. ``schema`` is one for all keys, or of each key. The keys
        that were computed without a lease are added to ``unstored``. One round trip reads and one fills.
        Raises as `get_or_compute` does.
        """
        if not 0 < ttl <= LONGEST_TTL or not 0 < none_ttl <= LONGEST_TTL:
            raise ValueError("a TTL must be between 1 second and 30 days")
        names = {self._name(key): key for key in keys}
        missing = dict(names)
        found: dict[str, Any] = {}
        leases: dict[str, Lease] = {}
        if not bypassing():
            waits = self.waits if waits is None else waits
            leases = self._read(missing, found, schema=schema, waits=waits, replace=replace)
        if missing:
            if unstored is not None:
                unstored.update(key for key in missing.values() if key not in leases)
            found |= self._compute_and_fill(
                list(missing.values()),
                compute,
                leases,
                ttl=ttl,
                none_ttl=none_ttl,
                schema=schema,
                storable=storable,
            )
        return {key: found[key] for key in names.values()}

    def entry(self, key: str) -> Stored | None:
        """The entry of ``key`` as it is stored, without a lease. For tools that look at the cache itself."""
        name = self._name(key)
        answer = self.store.fetch([], [name]).get(name)
        return Stored(name, answer.entry) if answer is not None and answer.entry is not None else None

    def stored_value(self, key: str, *, schema: int = 1) -> Any:
        """The value of ``key`` as it is stored; None if it is missing, marked or no value of this schema."""
        stored = self.entry(key)
        value = MISSING if stored is None else values.decode(*stored, schema=schema)
        return None if value is MISSING else value

    def peeking(self, keys: Iterable[str]) -> Peeks:
        """The first read inside the block fetches the entries of ``keys`` too, in its round trip.

        A later read of one of them inside the block then needs none. It counts as begun with the block, so
        keep the block short. A peek takes no lease: a key that nothing reads costs no other reader a wait.
        """
        return Peeks(self.store, [self._name(key) for key in keys])

    def mark(self, keys: Iterable[str]) -> Marks:
        """Hides ``keys`` from reads until `invalidate` gets these marks, or for `mark_seconds`.

        Call it as the last act before the COMMIT: a process that is killed after it then leaves no stale
        entry. One round trip for 33 keys, on this thread's open connection; nothing is marked where there is
        none, and nothing is raised.
        """
        names = [self._name(key) for key in keys] if self.mark_seconds else []
        return self.store.mark(names, self.mark_seconds) if names else NO_MARKS

    def invalidate(
        self,
        keys: Iterable[str],
        *,
        then: Iterable[str] = (),
        retrying: bool = False,
        marks: Marks = NO_MARKS,
    ) -> list[str]:
        """Deletes ``keys`` now, and ``then`` after them; call it after the commit. Returns those that failed.

        With ``marks``, which `mark` returned, the marks of other transactions stay. The keys that failed
        become pending deletes of this process, and are passed to each function in
        `on_invalidation_failed`, unless this call is such a function's own retry (``retrying``).
        """
        peeking.clear()
        names = {self._name(key): key for key in keys}
        later = {self._name(key): key for key in then}
        rounds = [[*names, *later]] if self.store.in_order else [[*names], [*later]]
        names |= later
        own = marks if self.mark_seconds else None
        failed = [names[name] for round_ in rounds if round_ for name in self.store.delete(round_, own)]
        if failed and not retrying:
            for function in on_invalidation_failed:
                try:
                    function(failed)
                except Exception:
                    logger.exception("%s failed for %s keys whose invalidation failed", function, len(failed))
        return failed

    def is_down(self, keys: Iterable[str]) -> bool:
        """Whether a server of one of the keys is known to be down. Sends nothing."""
        return self.store.is_down([self._name(key) for key in keys])

    # ── Django's cache interface ──────────────────────────────────────────────────────────────────

    def delete(self, key: str, version: int | None = None) -> bool:
        """Invalidates one key; returns whether that succeeded."""
        return not self.invalidate([key])

    def clear(self) -> None:
        """Deletes everything, which is necessary after a database was restored from a backup."""
        self.store.clear()

    def close(self, **kwargs: Any) -> None:
        """Does nothing: Django calls it after each request, and connecting again costs more than a read."""

    # ── Implementation ────────────────────────────────────────────────────────────────────────────

    def _name(self, key: str) -> bytes:
        """The key as stored: of fixed length, and not readable by someone who can read memcached."""
        # As `make_key` has it, without its two calls.
        return hashed(f"{self.key_prefix}:{self.version}:{key}")

    def _read(
        self,
        missing: dict[bytes, str],
        found: dict[str, Any],
        *,
        schema: Schemas,
        waits: Sequence[float],
        replace: bool,
    ) -> dict[str, Lease]:
        """Moves cached keys from ``missing`` to ``found``; returns the leases for keys still missing."""
        leases: dict[str, Lease] = {}
        fetch: Callable[[list[bytes]], Mapping[bytes, Answer]] = self.store.fetch
        if (peeks := peeking.over(self.store)) is not None:
            fetch = peeks.fetch
            for name, peeked in peeks.taken(missing):
                value = values.decode(name, peeked, schema=_of(schema, missing[name]))
                if value is not MISSING:
                    found[missing.pop(name)] = value
        for wait in (*waits, None) if missing else ():
            answers = fetch(list(missing))
            for name, answer in answers.items():
                entry = answer.entry
                value = MISSING
                if entry is not None and not replace:
                    value = values.decode(name, entry, schema=_of(schema, missing[name]))
                if value is not MISSING:
                    found[missing.pop(name)] = value
                elif answer.lease:
                    leases[missing[name]] = answer.lease
            # A holder of a lease does not wait: two readers could each wait for the lease of the other.
            if wait is None or leases or not missing or any(name not in answers for name in missing):
                break
            counts().waits += 1
            counts().seconds += wait
            self._pause(wait)
        counts().hits += len(found)
        counts().misses += len(missing)
        return leases

    def _compute_and_fill[V](
        self,
        keys: list[str],
        compute: Callable[[list[str]], Mapping[str, V]],
        leases: Mapping[str, Lease],
        *,
        ttl: int,
        none_ttl: int,
        schema: Schemas,
        storable: Callable[[Any], bool] | None,
    ) -> dict[str, Any]:
        """The computed values of ``keys``, stored for those with a lease."""
        try:
            computed = compute(keys)
            found = {key: values.normalized(computed.get(key)) for key in keys}
            fills, unused = [], []
            for key, lease in leases.items():
                if storable is not None and not storable(found[key]):
                    unused.append(lease)
                    continue
                seconds = self._jittered(ttl if found[key] is not None else min(ttl, none_ttl))
                entry = values.encode(lease.key, found[key], schema=_of(schema, key), ttl=seconds)
                fills.append(Fill(lease, entry, seconds))
        except BaseException:
            if leases:
                self.store.release(leases.values())
            raise
        if fills:
            self.store.fill(fills)
        if unused:
            self.store.release(unused)
        return found

    def _jittered(self, ttl: int) -> int:
        """At most 10 % less than ``ttl``: entries filled together should not expire together."""
        ttl = min(ttl, self.longest_ttl)
        return max(1, int(ttl * random.uniform(0.9, 1)))  # noqa: S311

    def _pause(self, seconds: float) -> None:
        time.sleep(seconds)


class MemcachedLookaside(Lookaside):
    """In memcached. LOCATION: an address or a list of them; OPTIONS: ``mark_seconds``, `server.Options`."""

    def __init__(self, location: str | Sequence[str], params: dict[str, Any]) -> None:
        super().__init__(params)
        addresses = location.replace(";", ",").split(",") if isinstance(location, str) else location
        options = dict(params.get("OPTIONS", {}))
        self.mark_seconds = options.pop("mark_seconds", 0)
        self.store = MemcachedStore(addresses, Options(**options))


class LocalLookaside(Lookaside):
    """In this process. An invalidation does not reach other processes, so entries live at most 5 seconds."""

    longest_ttl = 5

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self._store_name = name

    @property
    def store(self) -> Store:  # type: ignore[override]
        # Looked up each time: after a fork, a child must not use its parent's entries.
        return local_store(self._store_name)


class NoLookaside(Lookaside):
    """No cache: each read computes. The site without this optimization."""

    def __init__(self, name: str, params: dict[str, Any]) -> None:
        super().__init__(params)
        self.store = NoStore()


@lru_cache(maxsize=4096)
def hashed(key: str) -> bytes:
    """A key as stored. Most requests use the same few keys, hence the cache."""
    whole = key.encode(errors="surrogatepass")
    return urlsafe_b64encode(hashlib.blake2b(whole, digest_size=24).digest())


def cache(alias: str = "lookaside") -> Lookaside:
    """``caches[alias]``, with its type. Raises TypeError for a cache of another kind."""
    found = caches[alias]
    if not isinstance(found, Lookaside):
        raise TypeError(f"CACHES[{alias!r}] is not a look-aside cache")
    return found

"""Records what one request costs its thread: SQL, reads of the cache, check-outs, time."""

import re
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from django.db import DEFAULT_DB_ALIAS, connections
from django.db.backends.signals import connection_created

from apps import lookaside, pagecache
from apps.fragments.fragment import renderings
from apps.kwips.cards import near as cards
from apps.lookaside.stats import Counts
from apps.nearcache import NearCache

# Statements that a record keeps, and characters of each. Beyond that they are only counted.
MOST_STATEMENTS = 200
LONGEST_SQL = 4_000
_FILE = re.compile(r"/\* (\w+\.sql) \*/")
_NEAR_CACHES: dict[str, NearCache[Any, Any]] = {"cards": cards, "fragments": renderings}


@dataclass
class Statement:
    """One message to PostgreSQL: SQL without values, seconds, the rows that it returned or changed."""

    sql: str
    seconds: float
    rows: int

    @property
    def files(self) -> list[str]:
        """The names of the `.sql` files that it consists of."""
        return _FILE.findall(self.sql)


@dataclass
class Record:
    """What a request cost."""

    statements: list[Statement] = field(default_factory=list)
    statement_count: int = 0
    sql_seconds: float = 0.0
    # Of the look-aside cache, by the first word of the key.
    hits: Counter[str] = field(default_factory=Counter)
    misses: Counter[str] = field(default_factory=Counter)
    stored: Counter[str] = field(default_factory=Counter)
    invalidated: Counter[str] = field(default_factory=Counter)
    counts: Counts = field(default_factory=Counts)
    # Hits and misses of the near caches of this process.
    near: dict[str, tuple[int, int]] = field(default_factory=dict)
    # How the page cache answered, as in `pagecache.stats`; "" while several requests answered at once.
    page: str = ""
    # Check-outs from the pool; without a pool, connections that were opened.
    connections: int = 0
    waited: float = 0.0
    seconds: float = 0.0
    cpu_seconds: float = 0.0

    @property
    def python_seconds(self) -> float:
        """All but SQL, the pool and the cache."""
        return max(0.0, self.seconds - self.sql_seconds - self.waited - self.counts.seconds)

    def add_statement(self, sql: object, seconds: float, rows: int) -> None:
        self.statement_count += 1
        self.sql_seconds += seconds
        if len(self.statements) < MOST_STATEMENTS:
            self.statements.append(Statement(str(sql)[:LONGEST_SQL], seconds, rows))


_current: ContextVar[Record | None] = ContextVar("xray", default=None)


@contextmanager
def recorded() -> Iterator[Record]:
    """A record of what this thread does inside the block, complete at its end."""
    record = Record()
    connection = connections[DEFAULT_DB_ALIAS]
    waited, near, pages = getattr(connection, "waited", 0.0), _near(), pagecache.stats()
    started, cpu = time.perf_counter(), time.thread_time()
    token = _current.set(record)
    try:
        with (
            connection.execute_wrapper(_observer(record)),
            lookaside.stats.collected() as counts,
            _reads_observed(record),
        ):
            yield record
    finally:
        _current.reset(token)
        record.seconds, record.cpu_seconds = time.perf_counter() - started, time.thread_time() - cpu
        record.waited = getattr(connection, "waited", 0.0) - waited
        record.counts = counts
        record.near = {
            name: (hits - near[name][0], misses - near[name][1]) for name, (hits, misses) in _near().items()
        }
        changed = Counter(pagecache.stats()) - Counter(pages)
        record.page = next(iter(changed)) if changed.total() == 1 else ""


def count_connections() -> None:
    """Count check-outs, and connections that Django opens, in the record of their request."""
    connection_created.connect(_count_connection, dispatch_uid="kwippy.xray")


def _count_connection(**_: Any) -> None:
    if (record := _current.get()) is not None:
        record.connections += 1


def _near() -> dict[str, tuple[int, int]]:
    return {name: (cache.hits, cache.misses) for name, cache in _NEAR_CACHES.items()}


def _observer(record: Record) -> Callable[..., Any]:
    def observe(execute: Callable[..., Any], sql: object, params: Any, many: bool, context: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(sql, params, many, context)
        finally:
            record.add_statement(sql, time.perf_counter() - started, context["cursor"].rowcount)

    return observe


@contextmanager
def _reads_observed(record: Record) -> Iterator[None]:
    """Sees the keys that are read and invalidated, in this thread's cache object only."""
    cache = lookaside.cache()
    read, invalidate = cache.get_many_or_compute, cache.invalidate

    def observed_read(
        keys: Sequence[str],
        compute: Callable[[list[str]], Mapping[str, Any]],
        *,
        storable: Callable[[Any], bool] | None = None,
        unstored: set[str] | None = None,
        **options: Any,
    ) -> dict[str, Any]:
        missing: list[str] = []
        unstored = set() if unstored is None else unstored

        def observed_compute(keys: list[str]) -> Mapping[str, Any]:
            missing.extend(keys)
            return compute(keys)

        found = read(keys, observed_compute, storable=storable, unstored=unstored, **options)
        is_storable = storable or (lambda _: True)
        record.hits.update(map(family, set(keys).difference(missing)))
        record.misses.update(map(family, missing))
        record.stored.update(
            family(key) for key in missing if key not in unstored and is_storable(found[key])
        )
        return found

    def observed_invalidate(keys: Iterable[str], *, then: Iterable[str] = (), **options: Any) -> list[str]:
        keys, then = list(keys), list(then)
        record.invalidated.update(map(family, keys + then))
        return invalidate(keys, then=then, **options)

    methods = vars(cache)
    methods |= {"get_many_or_compute": observed_read, "invalidate": observed_invalidate}
    try:
        yield
    finally:
        del methods["get_many_or_compute"], methods["invalidate"]


def family(key: str) -> str:
    """What a key is about: its first word. What follows can be a secret, as in the key of a session."""
    return key.partition(":")[0]

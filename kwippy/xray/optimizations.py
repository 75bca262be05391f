"""The optimizations as the panel shows them: on or off, what each did for a request, its figure."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, NamedTuple

from django.conf import settings

from apps import dbpool
from kwippy.settings import stock
from kwippy.settings.switches import SWITCHES
from kwippy.xray.recording import Record

_PAGES = {
    "hit": "hit: the stored page was sent, without Django",
    "miss": "miss: Django rendered the page, and it was stored",
    "uncacheable": "rendered and not stored: a page is stored on its second request",
    "backend_down": "memcached is down: rendered, and kept in this process for a second",
    "collapsed": "marked by a write in flight: rendered, and shared with another request",
    "shed": "refused: the site is overloaded",
    "bypass": "passed on to Django: a member's page, a form or a later page of a list",
    "": "several requests were answered at once: see the header Cache-Status",
}
_COUNTS = re.compile(r"\bOFFSET\b|\bSELECT COUNT\(", re.IGNORECASE)
_ENQUEUES = re.compile(r"/\* enqueue_\w+\.sql \*/")


class Figure(NamedTuple):
    """A committed figure: its file in `docs/results`, its key, and a sentence with a place for it."""

    subject: str
    key: str
    sentence: str


@dataclass(frozen=True)
class Optimization:
    """``folder``: its folder in `apps/`; ``did``: what it did for a request."""

    folder: str
    title: str
    did: Callable[[Record], str]
    without: str  # what happens where it is off
    figure: Figure | None = None

    @property
    def is_on(self) -> bool:
        """Whether one of its settings has another value than in stock Django. Without a switch it is on."""
        names = SWITCHES.get(self.folder)
        return names is None or any(getattr(settings, name) != getattr(stock, name) for name in names)

    @property
    def has_switch(self) -> bool:
        return self.folder in SWITCHES

    @property
    def measured(self) -> str:
        """The sentence of its figure; "" without one."""
        if self.figure is None:
            return ""
        value = _figures(self.figure.subject).get(self.figure.key, {}).get("value")
        return "" if value is None else self.figure.sentence.format(f"{value:.3g}")

    def told(self, record: Record) -> str:
        return self.did(record) if self.is_on else self.without


def commands(record: Record) -> int:
    """How many commands a request enqueued."""
    return sum(_ENQUEUES.search(statement.sql) is not None for statement in record.statements)


def counted(number: int, singular: str) -> str:
    """ "1 hit", "2 hits"."""
    plural = {"miss": "misses", "query": "queries"}.get(singular, f"{singular}s")
    return f"{number} {singular if number == 1 else plural}"


def milliseconds(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def _pagecache(record: Record) -> str:
    if record.page == "uncacheable" and settings.CACHES["lookaside"] == stock.CACHES["lookaside"]:
        return "rendered and not stored: without a look-aside cache there is no place for it"
    return _PAGES[record.page]


def _lookaside(record: Record) -> str:
    if not record.counts.round_trips:
        return "not asked"
    trips = counted(record.counts.round_trips, "round trip")
    parts = [f"{trips} in {milliseconds(record.counts.seconds)}"]
    for number, singular, families in (
        (record.counts.hits, "hit", record.hits),
        (record.counts.misses, "miss", record.misses),
    ):
        parts += [counted(number, singular) + _listed(families)] if number else []
    parts += [f"stored{_listed(record.stored)}"] if record.stored else []
    parts += [f"invalidated{_listed(record.invalidated)}"] if record.invalidated else []
    parts += [counted(record.counts.failures, "failure")] if record.counts.failures else []
    return ", ".join(parts)


def _listed(families: Mapping[str, int]) -> str:
    named = [name if count == 1 else f"{count} × {name}" for name, count in sorted(families.items())]
    return f" ({', '.join(named)})" if named else ""


def _near(singular: str) -> Callable[[Record], str]:
    def did(record: Record) -> str:
        hits, misses = record.near[f"{singular}s"]
        found = f"{counted(hits, singular)} from the memory of this process"
        return f"{found}, {misses} not there" if hits or misses else "not asked"

    return did


def _statements(record: Record) -> str:
    if not record.statements:
        return "no statement"
    by_name = sum("EXECUTE " in statement.sql for statement in record.statements)
    whole = len(record.statements) - by_name
    return f"{counted(by_name, 'message')} with prepared statements, {whole} sent whole"


def _dbpool(record: Record) -> str:
    if not record.connections:
        return "no check-out"
    told = f"{counted(record.connections, 'check-out')}, waited {milliseconds(record.waited)}"
    pool = dbpool.stats().get("default")
    return (
        f"{told}; {pool.open} of at most {pool.size} connections of this process are open" if pool else told
    )


def _commandqueue(record: Record) -> str:
    number = commands(record)
    return f"{counted(number, 'command')} enqueued" if number else "nothing enqueued"


def _keyset(record: Record) -> str:
    if not record.statements:
        return "no statement"
    number = sum(_COUNTS.search(statement.sql) is not None for statement in record.statements)
    return f"{number} of {counted(record.statement_count, 'statement')} with OFFSET or COUNT"


_NETWORK = "network_100_active_whole_times_as_fast_as_without"
OPTIMIZATIONS = (
    Optimization(
        "pagecache",
        "Full-page cache",
        _pagecache,
        "Django renders each page",
        Figure("pagecache", "page_times_as_fast_as_django_middleware", "{} × Django's cache middleware"),
    ),
    Optimization(
        "lookaside",
        "Look-aside cache",
        _lookaside,
        "each read is computed; memcached is not asked",
        Figure("ladder", f"{_NETWORK}_lookaside", "a member's page: {} × without it"),
    ),
    Optimization("nearcache", "Near cache", _near("card"), "this process keeps no cards"),
    Optimization("fragments", "Cached fragments", _near("fragment"), "each page renders its frame and side"),
    Optimization(
        "statements",
        "Custom SQL",
        _statements,
        "PostgreSQL parses and plans each statement",
        Figure("timelines", "network_page_times_as_fast_as_orm", "the network: {} × the ORM"),
    ),
    Optimization(
        "dbpool",
        "Connection pool",
        _dbpool,
        "Django connects to PostgreSQL for each request",
        Figure("ladder", f"{_NETWORK}_dbpool", "a member's page: {} × a connection a request"),
    ),
    Optimization(
        "commandqueue",
        "Command queue",
        _commandqueue,
        "mail and tasks run within the request",
        Figure(
            "ladder",
            "contact_mail_slow_whole_times_as_fast_as_without_commandqueue",
            "contact, mail slow: {} × without it",
        ),
    ),
    Optimization(
        "keyset",
        "Keyset pagination",
        _keyset,
        "",
        Figure(
            "ladder",
            "from_page_1000_on_whole_times_as_fast_as_without_keyset",
            "from page 1,000 on: {} × Paginator",
        ),
    ),
)


@cache
def _figures(subject: str) -> dict[str, Any]:
    path = settings.BASE_DIR / "docs" / "results" / f"{subject}.json"
    figures: dict[str, Any] = json.loads(path.read_text())["figures"] if path.exists() else {}
    return figures

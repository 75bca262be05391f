"""`/metrics`, for prometheus: requests, kept pages, the pool, the look-aside cache, the command queue.

Under gunicorn each process counts in files of its own (`metricfiles`), which whichever is asked adds up. A
process without them (`runserver`, a test) tells of itself.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from ipaddress import ip_address

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)
from prometheus_client.multiprocess import MultiProcessCollector

from apps import dbpool, lookaside, pagecache
from apps.commandqueue.operate import metrics as queue
from apps.limits import addresses
from kwippy import metricfiles

PATH = "/metrics"
_OWN = CollectorRegistry()
_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}

_REQUESTS = Histogram(
    "kwippy_request_seconds",
    "Seconds from a request's arrival in Django to its answer.",
    ["method", "route", "status"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    registry=_OWN,
)
_CACHE = Counter(
    "kwippy_lookaside",
    "Look-aside cache: keys found (hit), keys not found (miss), failed round trips (failure).",
    ["result"],
    registry=_OWN,
)
_PAGES = Counter(
    "kwippy_pagecache",
    "Page cache: responses by result. bypass: passed to Django; backend_down: memcached did not reply.",
    ["result"],
    registry=_OWN,
)
_REFUSALS = Counter(
    "kwippy_limit_refusals",
    'Hits beyond a limit, by its name in LIMITS; "allauth" for those that allauth counts.',
    ["limit"],
    registry=_OWN,
)
_FAILED_SIGN_INS = Counter(
    "kwippy_failed_sign_ins",
    "Names and passwords that did not match. Refused tries are not among them.",
    registry=_OWN,
)


def _pool_gauge(name: str, meaning: str) -> Gauge:
    # Of the processes that live: the sum is what the site holds of PostgreSQL.
    return Gauge(f"kwippy_pool_{name}", meaning, ["pool"], multiprocess_mode="livesum", registry=_OWN)


def _pool_counter(name: str, meaning: str) -> Counter:
    return Counter(f"kwippy_pool_{name}", meaning, ["pool"], registry=_OWN)


_POOL_GAUGES = {
    "size": _pool_gauge("size", "The most connections there may be."),
    "in_use": _pool_gauge("in_use", "Connections that are lent."),
    "idle": _pool_gauge("idle", "Connections that are open and not lent."),
    "waiting": _pool_gauge("waiting", "Threads that wait for a connection."),
}
_POOL_COUNTERS = {
    "checkouts": _pool_counter("checkouts", "Connections checked out."),
    "waits": _pool_counter("waits", "Times that a thread had to wait."),
    "wait_seconds": _pool_counter("wait_seconds", "Seconds that threads have waited."),
    "timeouts": _pool_counter("timeouts", "Waits that were too long: each is a 503."),
    "connects": _pool_counter("connects", "Connections that were opened."),
}


class MetricsMiddleware:
    """Counts requests, and answers prometheus before Django refuses it: it asks by address, in plain HTTP."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        with lookaside.stats.collected() as cache:
            if request.path == PATH and may_see(request):
                response = HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
                response["Cache-Control"] = "no-store"
            else:
                response = self.get_response(request)
        _observe(request, response, time.perf_counter() - started)
        for result, count in (("hit", cache.hits), ("miss", cache.misses), ("failure", cache.failures)):
            if count:
                _CACHE.labels(result).inc(count)
        return response


def may_see(request: HttpRequest) -> bool:
    """Whether the request comes straight from one of METRICS_NETWORKS: never what a proxy has handed on."""
    if "X-Forwarded-For" in request.headers or "Forwarded" in request.headers:
        return False
    try:
        address = ip_address(addresses.client_address(request))
    except ValueError:
        return False  # a Unix socket does not tell who is behind it
    return any(address in network for network in addresses.proxies(tuple(settings.METRICS_NETWORKS)))


def hidden(request: HttpRequest) -> HttpResponse:
    """The address for all others. Raises Http404."""
    raise Http404


def exposition() -> bytes:
    """All figures in prometheus' text format; without PostgreSQL all but the queue's."""
    _note()
    folder = metricfiles.folder()
    if folder is None:
        ours = generate_latest(_OWN)
    else:
        together = CollectorRegistry()
        MultiProcessCollector(together, str(folder))
        with metricfiles.reading(folder):
            ours = generate_latest(together)
    return ours + generate_latest(queue.registry())


def keep_noting() -> None:
    """Has this process write down what others count for it once a second, for whichever process is asked."""

    def note() -> None:
        while True:
            _note()
            time.sleep(1)

    threading.Thread(target=note, name="metrics", daemon=True).start()


def _observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    method = request.method if request.method in _METHODS else "other"
    # A route has a name or the name of its view; what was answered without one (a static file) has none.
    route = request.resolver_match.view_name if request.resolver_match else ""
    _REQUESTS.labels(method, route, f"{response.status_code // 100}xx").observe(seconds)


def count_refusal(limit: str) -> None:
    """Note that a limit was met."""
    _REFUSALS.labels(limit).inc()


def count_failed_sign_in(**_: object) -> None:
    """Note a wrong name or password: a receiver of Django's ``user_login_failed``."""
    _FAILED_SIGN_INS.inc()


class _Pages:
    """Carries what the page cache has counted over to prometheus' counter."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, int] = {}

    def note(self) -> None:
        with self._lock:
            now = pagecache.stats()
            for how, count in now.items():
                _PAGES.labels(how).inc(count - self._seen.get(how, 0))
            self._seen = now


class _Pools:
    """Carries the pools' figures over to prometheus' counters and gauges."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seen: dict[str, dict[str, float]] = {}

    def note(self) -> None:
        with self._lock:
            for alias, figures in dbpool.stats().items():
                now = asdict(figures)
                now["idle"] = max(0, figures.open - figures.in_use)
                before = self._seen.get(alias, {})
                for name, gauge in _POOL_GAUGES.items():
                    gauge.labels(alias).set(now[name])
                for name, counter in _POOL_COUNTERS.items():
                    # A pool that was replaced has begun anew.
                    past = before.get(name, 0)
                    counter.labels(alias).inc(now[name] - past if now[name] >= past else now[name])
                self._seen[alias] = now


_pages, _pools = _Pages(), _Pools()


def _note() -> None:
    _pages.note()
    _pools.note()

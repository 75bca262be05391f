"""`/metrics`, for prometheus: requests, page cache, look-aside cache, pool, limits, command queue.

Under gunicorn each worker counts in files of its own (`multiproc_metrics`), and the worker that answers sums
them. A process without such files (`runserver`, a test) reports its own figures.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from functools import cache
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
from apps.cachewatch import metrics as watch
from apps.commandqueue.operate import metrics as queue
from apps.limits import addresses
from apps.pagecache import shedding
from kwippy.observability import host_metrics, multiproc_metrics

PATH = "/metrics"
_OWN = CollectorRegistry()
_METHODS = {"GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"}

_REQUESTS = Histogram(
    "kwippy_request_seconds",
    "Seconds from the arrival of a request in Django to its response.",
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
_SHED = Counter(
    "kwippy_shed",
    "Cold pages that were refused to anonymous visitors (503), by reason. waiting: requests waited too long"
    " for a thread; renders: enough of these pages were being rendered; edge: nginx knew that, and refused"
    " others that are not counted.",
    ["reason"],
    registry=_OWN,
)
_REFUSALS = Counter(
    "kwippy_limit_refusals",
    'Requests refused by a rate limit, by its name in LIMITS; "allauth" for limits of allauth.',
    ["limit"],
    registry=_OWN,
)
_FAILED_SIGN_INS = Counter(
    "kwippy_failed_sign_ins",
    "Sign-ins with a wrong name or password, without those that a limit refused.",
    registry=_OWN,
)
_SIGN_UPS = Counter(
    "kwippy_sign_ups",
    "Sign-ups that wait for the confirmation of their address, repeated ones included.",
    registry=_OWN,
)
# Looked up for each request. There are few: methods, routes and classes of status.
_requests_of = cache(_REQUESTS.labels)
_cache_of = cache(_CACHE.labels)


def _pool_gauge(name: str, meaning: str) -> Gauge:
    # The sum over living processes: the connections that the site has to PostgreSQL.
    return Gauge(f"kwippy_pool_{name}", meaning, ["pool"], multiprocess_mode="livesum", registry=_OWN)


def _pool_counter(name: str, meaning: str) -> Counter:
    return Counter(f"kwippy_pool_{name}", meaning, ["pool"], registry=_OWN)


_POOL_GAUGES = {
    "size": _pool_gauge("size", "Connections at most."),
    "in_use": _pool_gauge("in_use", "Connections that are checked out."),
    "idle": _pool_gauge("idle", "Connections that are open and checked in."),
    "waiting": _pool_gauge("waiting", "Threads waiting for a connection."),
}
_POOL_COUNTERS = {
    "checkouts": _pool_counter("checkouts", "Connections that were checked out."),
    "waits": _pool_counter("waits", "Checkouts that had to wait."),
    "wait_seconds": _pool_counter("wait_seconds", "Seconds that checkouts have waited."),
    "timeouts": _pool_counter("timeouts", "Checkouts that timed out: each is a 503."),
    "connects": _pool_counter("connects", "Connections that were opened."),
}


class MetricsMiddleware:
    """Counts requests, and answers prometheus, whose plain HTTP to an IP address Django would refuse."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        started = time.perf_counter()
        with lookaside.stats.collected() as counts:
            if request.path == PATH and may_see(request):
                response = HttpResponse(exposition(), content_type=CONTENT_TYPE_LATEST)
                response["Cache-Control"] = "no-store"
            else:
                response = self.get_response(request)
        _observe(request, response, time.perf_counter() - started)
        for result, count in (("hit", counts.hits), ("miss", counts.misses), ("failure", counts.failures)):
            if count:
                _cache_of(result).inc(count)
        return response


def may_see(request: HttpRequest) -> bool:
    """Whether the request comes directly from one of METRICS_NETWORKS. A proxied request never does."""
    if "HTTP_X_FORWARDED_FOR" in request.META or "HTTP_FORWARDED" in request.META:
        return False
    try:
        address = ip_address(addresses.client_address(request))
    except ValueError:
        return False  # a Unix socket has no client address
    return any(address in network for network in addresses.proxies(tuple(settings.METRICS_NETWORKS)))


def hidden(request: HttpRequest) -> HttpResponse:
    """The view for all other clients. Raises Http404."""
    raise Http404


def exposition() -> bytes:
    """All metrics in prometheus' text format. Without PostgreSQL those of queue and watch are missing."""
    _copy_stats()
    registry = _OWN
    if folder := multiproc_metrics.folder():
        registry = CollectorRegistry()
        MultiProcessCollector(registry, folder)
    parts = [generate_latest(registry), generate_latest(queue.registry())]
    # A second wait for a PostgreSQL that is away would outlast prometheus' patience.
    if b"commandqueue_up 0.0" not in parts[1]:
        parts.append(generate_latest(watch.registry()))
    return b"".join([*parts, generate_latest(host_metrics.HOST)])


def start_copying() -> None:
    """Copy the stats of the page cache and the pools once a second, for other workers that answer."""

    def copy() -> None:
        while True:
            _copy_stats()
            time.sleep(1)

    threading.Thread(target=copy, name="metrics", daemon=True).start()


def _observe(request: HttpRequest, response: HttpResponse, seconds: float) -> None:
    method = request.method if request.method in _METHODS else "other"
    # The name of the URL pattern or of its view; empty where none matched, as for static files.
    route = request.resolver_match.view_name if request.resolver_match else ""
    _requests_of(method, route, f"{response.status_code // 100}xx").observe(seconds)


def count_refusal(limit: str) -> None:
    """Count a request that a limit refused."""
    _REFUSALS.labels(limit).inc()


def count_failed_sign_in(**_: object) -> None:
    """Count a wrong name or password. A receiver of Django's ``user_login_failed``."""
    _FAILED_SIGN_INS.inc()


def count_sign_up() -> None:
    """Count a sign-up, before its address is confirmed."""
    _SIGN_UPS.inc()


class _Counts:
    """Copies counts of this process to a counter with one label."""

    def __init__(self, read: Callable[[], dict[str, int]], counter: Counter) -> None:
        self._read = read
        self._counter = counter
        self._lock = threading.Lock()
        self._before: dict[str, int] = {}

    def copy(self) -> None:
        with self._lock:
            now = self._read()
            for label, count in now.items():
                self._counter.labels(label).inc(count - self._before.get(label, 0))
            self._before = now


class _Pools:
    """Copies the stats of the pools to counters and gauges."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._before: dict[str, dict[str, float]] = {}

    def copy(self) -> None:
        with self._lock:
            for alias, figures in dbpool.stats().items():
                now = asdict(figures)
                now["idle"] = max(0, figures.open - figures.in_use)
                before = self._before.get(alias, {})
                for name, gauge in _POOL_GAUGES.items():
                    gauge.labels(alias).set(now[name])
                for name, counter in _POOL_COUNTERS.items():
                    # A replaced pool counts from 0.
                    past = before.get(name, 0)
                    counter.labels(alias).inc(now[name] - past if now[name] >= past else now[name])
                self._before[alias] = now


_pages, _shed, _pools = _Counts(pagecache.stats, _PAGES), _Counts(shedding.stats, _SHED), _Pools()


def _copy_stats() -> None:
    _pages.copy()
    _shed.copy()
    _pools.copy()

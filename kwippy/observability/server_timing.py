"""`Server-Timing`: what a page cost, shown in the network panel of the browser."""

import time
from collections.abc import Callable
from typing import Any

from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connections
from django.db.backends.base.base import BaseDatabaseWrapper
from django.http import HttpRequest, HttpResponse

from apps import lookaside


class Queries:
    """Counts the statements of Django's connection, and their seconds."""

    def __init__(self) -> None:
        self.count = 0
        self.seconds = 0.0

    def __call__(self, execute: Callable[..., Any], *statement: Any) -> Any:
        started = time.perf_counter()
        try:
            return execute(*statement)
        finally:
            self.count += 1
            self.seconds += time.perf_counter() - started


class ServerTimingMiddleware:
    """Reports to members, and with DEBUG to everyone, what their page cost: SQL, pool, cache, Python.

    Anonymous visitors get no such header: their pages are shared and cached.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        queries = Queries()
        # This thread's: `django.db.connection` would look it up for each attribute.
        connection = connections[DEFAULT_DB_ALIAS]
        waited = _waited(connection)
        started = time.perf_counter()
        with connection.execute_wrapper(queries), lookaside.stats.collected() as cache:
            response = self.get_response(request)
        seconds = time.perf_counter() - started
        waited = _waited(connection) - waited
        if settings.DEBUG or _is_member(request):
            trips = f"{cache.round_trips} round trips, {cache.hits} hits, {cache.misses} misses"
            response["Server-Timing"] = ", ".join([
                _entry("sql", f"{queries.count} queries", queries.seconds),
                _entry("pool", "waiting for a connection", waited),
                _entry("cache", trips, cache.seconds),
                _entry("python", "the rest", seconds - queries.seconds - waited - cache.seconds),
            ])  # fmt: skip
        return response


def _waited(connection: BaseDatabaseWrapper) -> float:
    """The seconds that this thread has waited for the pool; 0 on a backend without one."""
    return float(getattr(connection, "waited", 0.0))


def _entry(name: str, description: str, seconds: float) -> str:
    return f'{name};desc="{description}";dur={max(0.0, seconds) * 1000:.2f}'


def _is_member(request: HttpRequest) -> bool:
    """Whether the view has read a signed-in session. If it has not, no query is spent on it here."""
    session = getattr(request, "session", None)
    try:
        return session is not None and session.accessed and SESSION_KEY in session
    except (OperationalError, InterfaceError):
        return False  # accessed, but not read: PostgreSQL is down

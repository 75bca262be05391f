"""Prometheus metrics: the sums, read from PostgreSQL on each scrape."""

from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from apps.cachewatch.models import Watched


class WatchCollector(Collector):
    """Without PostgreSQL they are missing."""

    def collect(self) -> Iterator[CounterMetricFamily]:
        watched = CounterMetricFamily(
            "kwippy_cache_watched", "Cached entries that were compared with PostgreSQL.", labels=["kind"]
        )
        stale = CounterMetricFamily(
            "kwippy_cache_stale", "Of these, entries that contradicted it for a second.", labels=["kind"]
        )
        try:
            rows = list(Watched.objects.order_by("kind"))
        except (DatabaseError, InterfaceError):
            connection.close()
            return
        for row in rows:
            watched.add_metric([row.kind], row.looked_at)
            stale.add_metric([row.kind], row.stale)
        yield from (watched, stale)


def registry() -> CollectorRegistry:
    """A registry with the sums, for the site's /metrics."""
    sums = CollectorRegistry()
    sums.register(WatchCollector())
    return sums

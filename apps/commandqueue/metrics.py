"""What prometheus may ask: the queue's state from PostgreSQL, a worker's own counts from its memory."""

import time
from collections.abc import Iterator

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.commandqueue import store
from apps.commandqueue.models import Lane, State
from apps.commandqueue.outcomes import Outcome

WORKER = CollectorRegistry()
_ATTEMPTS = Counter(
    "commandqueue_attempts",
    "Attempts that ended, by how they left the command.",
    ["kind", "lane", "state"],
    registry=WORKER,
)
_LAST = Gauge(
    "commandqueue_last_done_timestamp_seconds",
    "When a command was last done.",
    ["kind", "lane"],
    registry=WORKER,
)


class QueueCollector(Collector):
    """Depth, age and dead letters, read from PostgreSQL when asked; `commandqueue_up` is 0 without it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily("commandqueue_depth", "Commands by state.", labels=["lane", "state"])
        age = GaugeMetricFamily(
            "commandqueue_oldest_seconds", "How long the oldest command has been due.", labels=["lane"]
        )
        up = GaugeMetricFamily("commandqueue_up", "Whether PostgreSQL answered.")
        try:
            counts = {(row.lane, row.state): row for row in store.status()}
            up.add_metric([], 1)
        except (DatabaseError, InterfaceError):
            connection.close()
            up.add_metric([], 0)
            yield up
            return
        for lane in Lane.values:
            for state in (State.WAITING, State.LEASED, State.DEAD):
                found = counts.get((lane, state))
                depth.add_metric([lane, state], found.count if found else 0)
            waiting = counts.get((lane, State.WAITING))
            age.add_metric([lane], max(0.0, waiting.age) if waiting else 0)
        yield from (up, depth, age)


def registry() -> CollectorRegistry:
    """The queue's state, for the site's own /metrics."""
    made = CollectorRegistry()
    made.register(QueueCollector())
    return made


def count(command: store.Held, outcome: Outcome) -> None:
    """Note that an attempt has ended."""
    claimed = command.claimed
    _ATTEMPTS.labels(claimed.kind, claimed.lane, outcome.state).inc()
    if outcome.state == State.DONE:
        _LAST.labels(claimed.kind, claimed.lane).set(time.time())

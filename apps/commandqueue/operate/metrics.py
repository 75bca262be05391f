"""What prometheus may ask: the queue's state from PostgreSQL, a worker's own counts from its memory."""

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass

from django.db import DatabaseError, InterfaceError, connection
from prometheus_client import CollectorRegistry, Counter, Gauge
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from apps.commandqueue.core import store
from apps.commandqueue.core.outcomes import Outcome, loggable
from apps.commandqueue.models import Kind, Lane, State

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
_FAILURES = Gauge(
    "commandqueue_mail_failures_in_a_row",
    "Attempts at mail since the last one that went out; refusals of a message for good are not counted.",
    ["backend"],
    registry=WORKER,
)


@dataclass(frozen=True, slots=True)
class Trouble:
    """Attempts at mail that failed one after the other, in this process."""

    failures: int
    since: float
    reason: str


_troubles: dict[str, Trouble] = {}
_counting = threading.Lock()


class QueueCollector(Collector):
    """Depth, age and dead letters, read from PostgreSQL when asked; `commandqueue_up` is 0 without it."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily("commandqueue_depth", "Commands by state.", labels=["lane", "state"])
        age = GaugeMetricFamily(
            "commandqueue_oldest_seconds",
            "How long ago the oldest command that waits was made, or was to be run.",
            labels=["lane"],
        )
        stuck = GaugeMetricFamily(
            "commandqueue_stuck",
            "Commands that wait after a failed attempt, or that no worker has begun within a minute.",
            labels=["lane"],
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
            stuck.add_metric([lane], waiting.stuck if waiting else 0)
        yield from (up, depth, age, stuck)


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
    if claimed.kind == Kind.MAIL:
        _note(claimed.backend, outcome)


def troubles() -> dict[str, Trouble]:
    """The mail backends whose last attempt failed, each with what is the matter."""
    with _counting:
        return dict(_troubles)


def _note(backend: str, outcome: Outcome) -> None:
    """Count failures in a row. A message that is refused for good says nothing of the server."""
    with _counting:
        if outcome.state == State.DONE:
            _troubles.pop(backend, None)
        elif outcome.state == State.WAITING:
            before = _troubles.get(backend) or Trouble(0, time.monotonic(), "")
            reason = loggable(outcome.error or {"reason": ""})
            _troubles[backend] = Trouble(before.failures + 1, before.since, reason)
        _FAILURES.labels(backend).set(_troubles[backend].failures if backend in _troubles else 0)

"""Prometheus metrics: the queue's state, read from PostgreSQL, and a worker's own counters."""

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
from apps.commandqueue.models import Kind, Queue, State

WORKER = CollectorRegistry()
_ATTEMPTS = Counter(
    "commandqueue_attempts",
    "Attempts that ended, by the state of their command afterwards.",
    ["kind", "queue", "state"],
    registry=WORKER,
)
_LAST = Gauge(
    "commandqueue_last_done_timestamp_seconds",
    "Time of the last successful attempt.",
    ["kind", "queue"],
    registry=WORKER,
)
_FAILURES = Gauge(
    "commandqueue_mail_failures_in_a_row",
    "Failed attempts to send mail since the last success; permanently refused messages are not counted.",
    ["backend"],
    registry=WORKER,
)


@dataclass(frozen=True, slots=True)
class MailFailures:
    """Consecutive failed attempts to send mail by one backend, in this process."""

    failures: int
    since: float
    reason: str


_failing: dict[str, MailFailures] = {}
_counting = threading.Lock()


class QueueCollector(Collector):
    """Depth, age and dead letters, read from PostgreSQL on each scrape; if it is down, only that."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        depth = GaugeMetricFamily(
            "commandqueue_depth", "Commands by queue and state.", labels=["queue", "state"]
        )
        age = GaugeMetricFamily(
            "commandqueue_oldest_seconds",
            "Age of the oldest waiting command, since it was enqueued or was to run.",
            labels=["queue"],
        )
        stuck = GaugeMetricFamily(
            "commandqueue_stuck",
            "Commands that wait after a failed attempt, or were due for a minute and not started.",
            labels=["queue"],
        )
        paused = GaugeMetricFamily(
            "commandqueue_paused",
            "1 if an operator has paused the queue, else 0; none of its commands counts as stuck.",
            labels=["queue"],
        )
        up = GaugeMetricFamily("commandqueue_up", "1 if PostgreSQL answered, else 0.")
        try:
            counts = {(row.queue_name, row.state): row for row in store.status()}
            held_back = store.paused()
            up.add_metric([], 1)
        except (DatabaseError, InterfaceError):
            connection.close()
            up.add_metric([], 0)
            yield up
            return
        for name in Queue.values:
            for state in (State.WAITING, State.LEASED, State.DEAD):
                found = counts.get((name, state))
                depth.add_metric([name, state], found.count if found else 0)
            waiting = counts.get((name, State.WAITING))
            age.add_metric([name], max(0.0, waiting.age) if waiting else 0)
            paused.add_metric([name], name in held_back)
            stuck.add_metric([name], waiting.stuck if waiting and name not in held_back else 0)
        yield from (up, depth, age, stuck, paused)


def registry() -> CollectorRegistry:
    """A registry with the queue's state, for the site's /metrics."""
    state = CollectorRegistry()
    state.register(QueueCollector())
    return state


def count(command: store.ClaimedCommand, outcome: Outcome) -> None:
    """Count an attempt that has ended."""
    _ATTEMPTS.labels(command.kind, command.queue_name, outcome.state).inc()
    if outcome.state == State.DONE:
        _LAST.labels(command.kind, command.queue_name).set(time.time())
    if command.kind == Kind.MAIL:
        _count_failures(command.backend, outcome)


def failing_mailers() -> dict[str, MailFailures]:
    """The mail backends whose last attempt failed."""
    with _counting:
        return dict(_failing)


def _count_failures(backend: str, outcome: Outcome) -> None:
    """Count consecutive failures. A permanently refused message says nothing about the server."""
    with _counting:
        if outcome.state == State.DONE:
            _failing.pop(backend, None)
        elif outcome.state == State.WAITING:
            before = _failing.get(backend) or MailFailures(0, time.monotonic(), "")
            reason = loggable(outcome.error or {"reason": ""})
            _failing[backend] = MailFailures(before.failures + 1, before.since, reason)
        _FAILURES.labels(backend).set(_failing[backend].failures if backend in _failing else 0)

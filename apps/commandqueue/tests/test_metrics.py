"""Metrics of the queue and of a worker, and the worker's HTTP server."""

import urllib.error
import urllib.request
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest
from django.core.mail import EmailMessage
from prometheus_client import generate_latest

from apps.commandqueue.core.worker import Worker
from apps.commandqueue.mail.rendering import set_queue_options
from apps.commandqueue.models import Command
from apps.commandqueue.operate import health, metrics
from apps.commandqueue.tests.conftest import send, work
from apps.commandqueue.tests.smtpserver import Server

pytestmark = pytest.mark.django_db(transaction=True)


def test_metrics_tell_depth_age_and_dead_letters(dead: Command) -> None:
    set_queue_options(EmailMessage("tea", "", "ann@example.org", ["bob@example.org"])).send()
    text = generate_latest(metrics.registry()).decode()
    assert 'commandqueue_depth{queue="default",state="waiting"} 1.0' in text
    assert 'commandqueue_depth{queue="default",state="dead"} 1.0' in text
    assert 'commandqueue_depth{queue="now",state="waiting"} 0.0' in text
    assert 'commandqueue_oldest_seconds{queue="default"} 0.' in text
    assert "commandqueue_up 1.0" in text


def test_metrics_say_when_postgresql_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    from django.db import OperationalError

    def fail() -> None:
        raise OperationalError

    monkeypatch.setattr("apps.commandqueue.core.store.status", fail)
    assert "commandqueue_up 0.0" in generate_latest(metrics.registry()).decode()


def test_a_worker_counts_how_attempts_ended(dead: Command) -> None:
    def count() -> float:
        labels = {"kind": "mail", "queue": "default", "state": "done"}
        return metrics.WORKER.get_sample_value("commandqueue_attempts_total", labels) or 0

    before = count()
    send()
    work()
    assert count() == before + 1


def test_a_worker_answers_for_itself(mail_server: Server) -> None:
    worker = Worker(queues=["default"])
    server = health.serve(worker, port=0)
    port = server.server_address[1]
    try:
        assert ask(port, "/livez") == (200, "ok\n")
        assert ask(port, "/readyz")[0] == 503
        for thread in worker.threads:
            thread.start()
        assert ask(port, "/readyz")[0] == 200
        assert "commandqueue_depth" in ask(port, "/metrics")[1]
        worker.threads[0].answered_at -= 60
        worker.threads[0].options = worker.options
        worker.stop()
        assert ask(port, "/readyz")[0] == 503
        assert ask(port, "/nothing")[0] == 404
    finally:
        worker.stop()
        for thread in worker.threads:
            thread.join(10)
        server.shutdown()
        server.server_close()


def test_a_worker_tells_only_those_it_should_of_the_queue(mail_server: Server, settings: Any) -> None:
    server = health.serve(Worker(queues=["default"]), host="0.0.0.0", port=0)
    port = server.server_address[1]
    try:
        assert ask(port, "/metrics")[0] == 200
        assert ask(port, "/metrics", {"X-Forwarded-For": "10.0.0.1"})[0] == 404
        assert ask(port, "/readyz", {"Forwarded": "for=10.0.0.1"})[0] == 404
        settings.METRICS_NETWORKS = ["10.0.0.0/8"]
        assert [ask(port, path)[0] for path in ("/metrics", "/readyz", "/livez")] == [404, 404, 200]
    finally:
        server.shutdown()
        server.server_close()


def ask(port: Any, path: str, headers: Mapping[str, str] = MappingProxyType({})) -> tuple[int, str]:
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers=dict(headers))
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()

"""`/metrics`: its content, its clients, and the sums over several processes."""

import contextlib
import os
import re
import signal
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import pytest
from django.conf import LazySettings
from django.db import OperationalError, connection
from django.test import Client
from prometheus_client.parser import text_string_to_metric_families

from apps.accounts.models import User
from deploy.local import services
from kwippy.observability import multiproc_metrics
from tests.support.http import Visitor
from tests.support.pool import pooled
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)


def samples(text: str) -> dict[str, float]:
    """Each sample by its name and labels, as prometheus writes them."""
    return {
        sample.name
        + ",".join(f" {name}={value}" for name, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def metrics_of(client: Client) -> dict[str, float]:
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer["Content-Type"].startswith("text/plain; version=")
    return samples(answer.content.decode())


def growth(client: Client, act: Callable[[], object]) -> dict[str, float]:
    """The metrics that grew during the action."""
    before = metrics_of(client)
    act()
    after = metrics_of(client)
    return {name: value - before.get(name, 0) for name, value in after.items() if value != before.get(name)}


# ── Clients ──────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "192.168.7.7", "::ffff:172.16.0.9"])
def test_neighbours_may_see_it_by_whatever_name_and_in_plain_http(
    address: str, settings: LazySettings
) -> None:
    settings.SECURE_SSL_REDIRECT = True
    response = Client().get("/metrics", REMOTE_ADDR=address, headers={"host": "10.9.9.9:8000"})
    assert response.status_code == 200


@pytest.mark.asvs("13.4.5")
@pytest.mark.parametrize(
    ("address", "headers"),
    [
        ("203.0.113.5", {}),
        ("2001:db8::1", {}),
        ("", {}),
        ("127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}),
        ("127.0.0.1", {"X-Forwarded-For": ""}),
        ("10.1.2.3", {"Forwarded": "for=10.1.2.3"}),
    ],
)
def test_for_other_networks_and_through_a_proxy_it_is_a_404(address: str, headers: dict[str, str]) -> None:
    response = Client().get("/metrics", REMOTE_ADDR=address, headers=headers)
    assert response.status_code == 404
    assert b"kwippy_request" not in response.content


def test_the_setting_names_who_may(settings: LazySettings) -> None:
    settings.METRICS_NETWORKS = ["203.0.113.0/24"]
    assert Client().get("/metrics", REMOTE_ADDR="203.0.113.5").status_code == 200
    assert Client().get("/metrics", REMOTE_ADDR="127.0.0.1").status_code == 404


# ── Content ──────────────────────────────────────────────────────────────────────────────────────


def test_requests_are_counted_by_method_route_and_status(client: Client) -> None:
    User.objects.create_user("ann", "ann@example.org")
    User.objects.create_user("bob", "bob@example.org")

    def act() -> None:
        client.get("/ann/")
        client.get("/bob/")
        client.get("/no_such_person/")
        client.post("/kwip/", {"text": "tea"})
        client.generic("BREW", "/about/")

    grown = growth(client, act)
    counts = {name: value for name, value in grown.items() if name.startswith("kwippy_request_seconds_count")}
    person = re.search(r"method=GET, route=(\S+), status=2xx", "\n".join(counts))
    assert person
    assert counts == {
        f"kwippy_request_seconds_count method=GET, route={person[1]}, status=2xx": 2,
        f"kwippy_request_seconds_count method=GET, route={person[1]}, status=4xx": 1,
        "kwippy_request_seconds_count method=POST, route=compose, status=4xx": 1,
        "kwippy_request_seconds_count method=other, route=about, status=4xx": 1,
        "kwippy_request_seconds_count method=GET, route=, status=2xx": 1,  # the asking itself
    }
    assert grown[f"kwippy_request_seconds_bucket le=+Inf, method=GET, route={person[1]}, status=2xx"] == 2


def test_unknown_paths_are_not_counted_as_routes(client: Client) -> None:
    def act() -> None:
        for number in range(5):
            client.get(f"/nothing/of/the/kind/{number}")

    grown = growth(client, act)
    assert grown["kwippy_request_seconds_count method=GET, route=, status=4xx"] == 5
    assert not [name for name in grown if "kind" in name]


@pooled
def test_the_pool_reports_its_connections_and_checkouts(client: Client) -> None:
    connection.close()
    connection.close_pool()  # type: ignore[attr-defined]  # PostgreSQL's have it

    def borrow() -> None:
        for _ in range(3):
            connection.ensure_connection()
            connection.close()

    grown = growth(client, borrow)
    assert grown["kwippy_pool_checkouts_total pool=default"] >= 3
    state = metrics_of(client)
    assert state["kwippy_pool_size pool=default"] == 4
    assert state["kwippy_pool_in_use pool=default"] + state["kwippy_pool_idle pool=default"] >= 1
    assert state["kwippy_pool_waits_total pool=default"] >= 0


def test_the_cache_and_the_queue_are_reported(client: Client, memcached: str) -> None:
    client.force_login(User.objects.create_user("ann", "ann@example.org"))
    client.get("/")
    grown = growth(client, lambda: client.get("/"))
    assert grown["kwippy_lookaside_total result=hit"] > 0
    state = metrics_of(client)
    assert state["commandqueue_up"] == 1
    assert "commandqueue_oldest_seconds queue=now" in state
    assert state["commandqueue_depth queue=now, state=dead"] == 0


# ── Several processes ────────────────────────────────────────────────────────────────────────────


def test_a_worker_gets_the_lowest_slot_that_no_living_worker_has() -> None:
    assert [multiproc_metrics.free_slot(taken) for taken in ([], [0], [1, 2], [2, 0, 1])] == [0, 1, 0, 3]


def workers(port: int) -> list[int]:
    """The processes of the site on that port, but the first."""
    word = f"BIND=127.0.0.1:{port}".encode()
    found = []
    for process in services.descendants(os.getpid()):
        with contextlib.suppress(OSError):  # it has just ended
            if word in Path(f"/proc/{process}/environ").read_bytes().split(b"\0"):
                found.append(process)
    return sorted(found)[1:]


def folder_of(process: int) -> Path:
    found = re.search(r"\S*kwippy-metrics-\w+", Path(f"/proc/{process}/maps").read_text())
    assert found
    return Path(found[0])


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


@pooled
def test_two_processes_tell_one_truth_which_outlives_them(memcached: str) -> None:
    with served(memcached=memcached, workers=2) as port:
        visitor = Visitor(port)

        def pages() -> float:
            name = "kwippy_request_seconds_count method=GET, route=contact, status=2xx"
            return samples(visitor.get("/metrics").text).get(name, 0)

        def pools() -> float:
            return samples(visitor.get("/metrics").text).get("kwippy_pool_size pool=default", 0)

        # Until both have a pool.
        until(lambda: visitor.get("/readyz").status == 200 and pools() == 8)
        for _ in range(20):
            visitor.get("/contact/")
        assert [pages() for _ in range(6)] == [20] * 6
        # Cached pages do not reach Django; the page cache counts them.
        for _ in range(30):
            visitor.get("/about/")
        until(lambda: samples(visitor.get("/metrics").text)["kwippy_pagecache_total result=hit"] == 28)
        first, _ = before = workers(port)
        folder = folder_of(first)
        assert len(list(folder.glob("histogram_*.db"))) == 2
        os.kill(first, signal.SIGKILL)
        until(lambda: len(workers(port)) == 2 and first not in workers(port))
        assert [pages() for _ in range(6)] == [20] * 6
        assert pools() in (4, 8)
        # The new worker counts in the files of the ended one.
        visitor.get("/contact/")
        until(lambda: pools() == 8)
        assert pages() == 21
        assert {file.name for file in folder.glob("histogram_*.db")} == {"histogram_0.db", "histogram_1.db"}
        assert before != workers(port)
    assert not folder.exists()


# ── Alerts ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.asvs("16.3.3")
def test_failed_sign_ins_and_refusals_are_counted_by_the_limit_that_was_met(settings: LazySettings) -> None:
    settings.LIMITS = settings.LIMITS | {"failed_sign_in": "3/5m", "publish": "1/1h"}
    ann = User.objects.create_user("ann", "ann@example.org", "a long password")
    visitor = Client()

    def sign_in(password: str) -> None:
        visitor.post("/accounts/login/", {"login": "ann", "password": password})

    def act() -> None:
        for _ in range(5):
            sign_in("wrong")
        visitor.force_login(ann)
        for number in range(2):
            visitor.post("/kwip/", {"text": f"tea {number}", "form_key": str(uuid.uuid4())})

    grown = growth(Client(), act)
    assert grown["kwippy_failed_sign_ins_total"] == 3
    assert grown["kwippy_limit_refusals_total limit=failed_sign_in"] == 2
    assert grown["kwippy_limit_refusals_total limit=publish"] == 1


def test_refusals_of_allauth_are_counted(settings: LazySettings) -> None:
    settings.ACCOUNT_RATE_LIMITS = settings.ACCOUNT_RATE_LIMITS | {"reset_password": "1/m/ip"}
    form = {"email": "ann@example.org"}
    grown = growth(Client(), lambda: [Client().post("/accounts/password/reset/", form) for _ in range(2)])
    assert grown["kwippy_limit_refusals_total limit=allauth"] == 1


def test_without_postgresql_it_is_asked_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def fail(name: str) -> Callable[..., object]:
        def failing(*_: object, **__: object) -> object:
            asked.append(name)
            raise OperationalError

        return failing

    monkeypatch.setattr("apps.commandqueue.core.store.status", fail("queue"))
    monkeypatch.setattr("apps.cachewatch.models.Watched.objects.order_by", fail("watch"))
    found = metrics_of(Client())
    assert found["commandqueue_up"] == 0
    assert any(name.startswith("kwippy_") for name in found)
    assert asked == ["queue"]

"""What is shed, and what never is: hits, members, forms, pages that overload must not take away."""

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest
from django.conf import LazySettings
from django.core.handlers.wsgi import WSGIHandler
from django.db import connection

from apps.pagecache import purge, queueing, shedding, wrapped
from apps.pagecache.responses import Response
from apps.pagecache.shedding import Admission, Shed
from apps.pagecache.surrogate import cache as pages
from apps.pagecache.surrogate import generation_key
from apps.pagecache.tests.conftest import Visitor, cache, status
from apps.pagecache.tests.urls import hooks, rendered, shown

PROXY, CLIENT = "10.0.0.7", "203.0.113.9"
REFUSAL = Response("503 Service Unavailable", [("Retry-After", "30"), ("Content-Length", "4")], b"busy")
MEMBER = {"HTTP_COOKIE": "sessionid=abc"}
NEVER = {
    "a member": ("/ann/", MEMBER),
    "a member's cursor": ("/ann/?before=x", MEMBER),
    "a form": ("/ann/", {"REQUEST_METHOD": "POST"}),
    "a token": ("/ann/", {"HTTP_AUTHORIZATION": "Bearer x"}),
    "a page that was not declared": ("/private/", {}),
    "a page that is not to be shed": ("/machines/", {}),
    "a page that is not to be shed, with arguments": ("/machines/?before=x", {}),
}
COLD = ("/ann/", "/ann/?sort=active", "/ann/?before=x", "/tag/tea/", "/unknown/")


def admission(*, target: float = 0.2, renders: int = 1, patience: float = 0.01) -> Admission:
    return Admission(
        target=target,
        renders=renders,
        patience=patience,
        is_proxy=lambda peer: peer == PROXY,
        refusal=lambda path: REFUSAL,
    )


def site(admitting: Admission) -> Visitor:
    return Visitor(wrapped(WSGIHandler(), admission=admitting))


@pytest.fixture(autouse=True)
def short_interval(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queueing, "INTERVAL", 0.08)


def arrive(visitor: Visitor, stamp: str | None = None, *, peer: str = PROXY) -> None:
    """Requests of a member, for longer than the interval. Without ``stamp`` each has waited for a second."""
    until = time.monotonic() + 0.15
    while time.monotonic() < until:
        stamped = f"t={time.time() - 1:.3f}" if stamp is None else stamp
        visitor.get("/private/", REMOTE_ADDR=peer, HTTP_X_REQUEST_START=stamped, **MEMBER)
        time.sleep(0.01)


def wait_for_a_queue(visitor: Visitor, admitting: Admission) -> None:
    """Requests of a member that have waited for a second, until the queue counts as standing."""
    until = time.monotonic() + 30
    while admitting.reason_to_shed() != "waiting":
        assert time.monotonic() < until
        stamp = f"t={time.time() - 1:.3f}"
        visitor.get("/private/", REMOTE_ADDR=PROXY, HTTP_X_REQUEST_START=stamp, **MEMBER)


@contextmanager
def every_place_taken(admitting: Admission) -> Iterator[None]:
    """One render is in progress, and requests wait for it in every place. It needs ``patience=30``."""
    over = threading.Event()

    def hold() -> None:
        with admitting.render():
            over.wait(timeout=30)

    with ThreadPoolExecutor(1 + shedding.WAITING) as pool:
        for _ in range(1 + shedding.WAITING):
            pool.submit(hold)
        while admitting.reason_to_shed() is None:
            time.sleep(0.005)
        try:
            yield
        finally:
            over.set()


@contextmanager
def shedding_for(reason: str) -> Iterator[Visitor]:
    with ExitStack() as stack:
        admitting = admission(patience=30)
        visitor = site(admitting)
        if reason == "renders":
            stack.enter_context(every_place_taken(admitting))
        else:
            wait_for_a_queue(visitor, admitting)
        assert admitting.reason_to_shed() == reason
        yield visitor


@pytest.mark.parametrize("reason", ["waiting", "renders"])
def test_cold_pages_and_cursors_of_anonymous_visitors_are_shed(visitor: Visitor, reason: str) -> None:
    before = shedding.stats().get(reason, 0)
    with shedding_for(reason) as shed:
        for path in COLD:
            assert shed.get(path) == REFUSAL, path
        assert shed.get("/ann/", method="HEAD").body == b""
    assert shedding.stats()[reason] == before + len(COLD) + 1
    assert not rendered


@pytest.mark.parametrize("reason", ["waiting", "renders"])
@pytest.mark.parametrize("what", NEVER)
def test_nothing_else_is_shed(visitor: Visitor, reason: str, what: str) -> None:
    path, environ = NEVER[what]
    with shedding_for(reason) as shed:
        assert shed.get(path, **environ).status == "200 OK"


@pytest.mark.parametrize("reason", ["waiting", "renders"])
def test_a_hit_is_served_also_by_a_process_that_has_not_met_the_page(visitor: Visitor, reason: str) -> None:
    cache(visitor, "/ann/")
    with shedding_for(reason) as shed:
        assert status(shed.get("/ann/")) == "hit"
        purge(["user:ann"])
        assert shed.get("/ann/") == REFUSAL


def test_what_the_edge_would_refuse_is_refused_and_counted_apart(visitor: Visitor) -> None:
    cache(visitor, "/bob/")
    shared = site(admission())
    before = shedding.stats().get("edge", 0)
    marked = {"HTTP_X_EDGE_FULL": "yes"}
    for path in COLD:
        assert shared.get(path, REMOTE_ADDR=PROXY, **marked) == REFUSAL, path
    assert shedding.stats()["edge"] == before + len(COLD)
    assert status(shared.get("/bob/", REMOTE_ADDR=PROXY, **marked)) == "hit"
    for path, environ in NEVER.values():
        assert shared.get(path, **{"REMOTE_ADDR": PROXY, **marked, **environ}).status == "200 OK", path
    # Of a client it means nothing.
    assert shared.get(COLD[0], REMOTE_ADDR=CLIENT, **marked).status == "200 OK"
    assert shedding.stats()["edge"] == before + len(COLD)


def test_a_request_that_is_shed_creates_nothing_in_memcached(visitor: Visitor) -> None:
    with shedding_for("waiting") as shed:
        shed.get("/ann/")
    at = pages()
    assert at is not None
    assert at.stored_value(generation_key("user:ann")) is None


def test_pages_are_rendered_again_when_requests_no_longer_wait(visitor: Visitor) -> None:
    with shedding_for("waiting") as shed:
        shed.get("/private/", REMOTE_ADDR=PROXY, HTTP_X_REQUEST_START=f"t={time.time()}", **MEMBER)
        assert shed.text("/ann/") == "<p>ann: tea</p>"


def test_an_absurd_stamp_does_nothing(visitor: Visitor) -> None:
    hours_off = (f"t={time.time() - 7200}", f"t={time.time() + 7200}")
    for stamp in ("t=0", "t=nan", "t=-inf", "soon", "", *hours_off):
        admitting = admission()
        arrive(site(admitting), stamp)
        assert admitting.reason_to_shed() is None, stamp


def test_a_stamp_from_another_peer_than_the_proxy_does_nothing(visitor: Visitor) -> None:
    admitting = admission()
    arrive(site(admitting), peer=CLIENT)
    assert admitting.reason_to_shed() is None


def test_so_many_pages_are_rendered_at_once_and_some_wait(visitor: Visitor) -> None:
    admitting = admission(renders=3, patience=30)
    shared = site(admitting)
    at_once, most = 0, 0
    lock = threading.Lock()

    def hold() -> None:
        nonlocal at_once, most
        with lock:
            at_once += 1
            most = max(most, at_once)
        time.sleep(0.2)
        with lock:
            at_once -= 1

    hooks.append(hold)
    names = [f"name{number}" for number in range(40)]
    shown.update(dict.fromkeys(names, "tea"))
    start = threading.Barrier(len(names))

    def ask(name: str) -> str:
        start.wait(timeout=30)
        return shared.get(f"/{name}/").status[:3]

    with ThreadPoolExecutor(len(names)) as pool:
        answers = sorted(pool.map(ask, names))
    assert most == 3
    # Those that waited were served, unless a place was free again for one that came late.
    assert 12 <= answers.count("200") < 40
    assert answers.count("200") + answers.count("503") == 40
    assert admitting.reason_to_shed() is None
    assert shared.get("/name1/").status == "200 OK"


def test_a_render_waits_for_its_turn_no_longer_than_its_patience() -> None:
    admitting = admission(patience=0.01)
    with admitting.render(), pytest.raises(Shed, match="renders"), admitting.render():
        pass
    with admitting.render():
        pass


def test_a_place_is_free_again_after_an_error(visitor: Visitor) -> None:
    shared = site(admission())
    for _ in range(5):
        assert shared.get("/faulty/error/").status[:3] == "500"
    assert shared.get("/ann/").status == "200 OK"


@pytest.mark.parametrize("without", [{"target": 0.0}, {"renders": 0}])
def test_each_of_the_two_reasons_can_be_switched_off(visitor: Visitor, without: dict[str, float]) -> None:
    admitting = admission(**without)  # type: ignore[arg-type]
    if "target" in without:
        arrive(site(admitting))
        assert admitting.reason_to_shed() is None
        return
    with ExitStack() as stack:
        for _ in range(50):
            stack.enter_context(admitting.render())
    wait_for_a_queue(site(admitting), admitting)


def execute(statement: Callable[..., object]) -> object:
    """As Django's cursor does it, without a database: an open connection disturbs other tests.

    An open connection of a test before has the log's wrapper in front.
    """
    wrapper = connection.execute_wrappers[-1]
    return wrapper(statement, "SELECT 1", None, False, {})


def test_a_render_stops_at_its_next_statement_while_a_member_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "PAUSE", 30)
    admitting = admission()
    order: list[str] = []
    there = threading.Event()

    def member() -> None:
        with admitting.others_first():
            there.set()
            time.sleep(0.1)
            order.append("the member's page")

    with ThreadPoolExecutor(1) as pool, admitting.render():
        page = pool.submit(member)
        there.wait(30)
        execute(lambda *_: order.append("the statement"))
        page.result(30)
    assert order == ["the member's page", "the statement"]


def test_a_render_does_not_stop_for_longer_than_the_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shedding, "PAUSE", 0.001)
    admitting = admission()
    before = list(connection.execute_wrappers)
    with admitting.others_first(), admitting.render():
        assert len(connection.execute_wrappers) == len(before) + 1
        assert execute(lambda *_: "rows") == "rows"
    assert connection.execute_wrappers == before


def test_without_an_admission_nothing_is_shed(visitor: Visitor, settings: LazySettings) -> None:
    arrive(visitor)
    assert visitor.get("/ann/").status == "200 OK"


def test_the_edge_gives_the_503_itself_and_only_the_edge_may_ask_for_that(visitor: Visitor) -> None:
    with shedding_for("renders") as shed:
        asked = {"HTTP_X_EDGE_OVERLOAD": "/anywhere"}
        assert shed.get("/ann/", REMOTE_ADDR=CLIENT, **asked) == REFUSAL
        answer = shed.get("/ann/", REMOTE_ADDR=PROXY, **asked)
        assert ("X-Accel-Redirect", "/-edge/overload") in answer.headers

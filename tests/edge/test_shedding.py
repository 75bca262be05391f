"""Overload: cold anonymous pages get a 503 with Retry-After; members and cached pages are served."""

import re
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.models import User
from deploy.local.edge import Edge
from tests.support.edge import edge
from tests.support.http import Member, Response, request, session_key
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

CRAWLERS = 20
SHED = re.compile(r'^kwippy_shed_total\{reason="(\w+)"\} (\S+)', re.MULTILINE)


@dataclass
class Site:
    """One worker behind nginx, whose permalinks are slow until `release`."""

    nginx: Edge
    gunicorn: int
    ann: User
    until: Path

    @property
    def member(self) -> Member:
        return Member(self.nginx.port, self.ann)

    def release(self) -> None:
        self.until.touch()

    def shed(self) -> dict[str, float]:
        """The counter of /metrics, by reason."""
        return {
            reason: float(count) for reason, count in SHED.findall(request(self.gunicorn, "/metrics").text)
        }

    def warm(self, path: str) -> None:
        """Requests a page until the site has stored it."""
        soon(lambda: "hit" in (request(self.gunicorn, path).headers["Cache-Status"] or ""))


def soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def running(memcached: str, folder: Path, places: int = 4, /, **variables: str) -> Iterator[Site]:
    """``places`` is how many cold pages nginx passes on at once; 0: any number."""
    ann = User.objects.create_user("ann", "ann@example.org")
    until = folder / "until"
    site_variables = {
        "DJANGO_SETTINGS_MODULE": "tests.edge.held_settings",
        "HELD_UNTIL": str(until),
        "TRUSTED_PROXIES": "127.0.0.0/8",
    }
    with (
        served(memcached=memcached, workers=1, variables=site_variables | variables) as gunicorn,
        edge(folder / "edge", gunicorn=gunicorn, places=places) as nginx,
    ):
        try:
            yield Site(nginx, gunicorn, ann, until)
        finally:
            until.touch()


@contextmanager
def crawled(site: Site) -> Iterator[list[Future[Response]]]:
    """Permalinks that do not exist are requested, all at once. Yields when none is answered any more."""
    with ThreadPoolExecutor(CRAWLERS) as pool:
        try:
            crawl = [
                pool.submit(request, site.nginx.port, f"/ann/kwip/{100_000 + number}/")
                for number in range(CRAWLERS)
            ]
            pending = set(crawl)
            while len(pending) > 1:
                _, pending = wait(pending, timeout=30, return_when=FIRST_COMPLETED)
            yield crawl
        finally:
            site.release()


def test_members_are_served_while_a_crawler_takes_every_place(memcached: str, tmp_path: Path) -> None:
    with running(memcached, tmp_path, SHED_AFTER_MS="0") as site:
        site.warm("/everyone/")
        with crawled(site) as crawl:
            # One render is held; those that waited for it gave up.
            refused = [done.result() for done in crawl if done.done()]
            assert len(refused) == CRAWLERS - 1
            for _ in range(5):
                assert site.member.get("/").status == 200
                for path in ("/everyone/", "/accounts/login/", "/livez", "/robots.txt"):
                    assert request(site.nginx.port, path).status == 200, path
            assert not all(done.done() for done in crawl)
        for answer in refused:
            assert answer.status == 503
            assert answer.headers["Retry-After"] == "30"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "back in a moment" in answer.text
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert 0 < site.shed()["renders"] < len(refused)
        # The edge has not stored the refusal.
        assert request(site.nginx.port, "/ann/kwip/100001/").status == 404


def test_what_takes_no_place_is_refused_by_nginx_and_the_site_counts_a_few(
    memcached: str, tmp_path: Path
) -> None:
    with running(memcached, tmp_path, SHED_AFTER_MS="0") as site, crawled(site):
        before, began = site.shed(), time.monotonic()
        addresses = [f"/ann/kwip/{200_000 + number}/" for number in range(300)]
        with ThreadPoolExecutor(CRAWLERS) as pool:
            asked = list(pool.map(lambda path: request(site.nginx.port, path).status, addresses))
        assert set(asked) == {503}
        # Those that waited for a render gave up after two seconds each.
        seconds = time.monotonic() - began
        after = site.shed()
        assert 0 < after["renders"] - before["renders"] <= 3 * (1 + seconds / 2) + 1
        assert 0 < after["edge"] - before.get("edge", 0) <= 5 * seconds + 1 < 100


def test_pages_that_have_readers_are_passed_on_whatever_a_client_says_of_them(
    memcached: str, tmp_path: Path
) -> None:
    with running(memcached, tmp_path, SHED_AFTER_MS="0") as site:
        for path in ("/ann/", "/everyone/"):
            site.warm(path)
            assert request(site.nginx.port, path).status == 200
        is_over = threading.Event()

        def keep_asking(number: int) -> None:
            while not is_over.is_set():
                request(site.nginx.port, f"/ann/kwip/{200_000 + number}/")

        with crawled(site), ThreadPoolExecutor(8) as pool:
            asking = [pool.submit(keep_asking, number) for number in range(8)]
            try:
                # The pages have expired in nginx's cache.
                time.sleep(1.1)
                for path in ("/ann/", "/everyone/", "/accounts/login/"):
                    answers = [request(site.nginx.port, path, ("X-Edge-Cold", "yes")) for _ in range(10)]
                    assert {answer.status for answer in answers} == {200}, path
                    time.sleep(1.1)
                assert request(site.nginx.port, "/ann/?before=1", ("X-Edge-Cold", "")).status == 503
            finally:
                is_over.set()
            for asked in asking:
                asked.result()


def test_without_shedding_the_same_crawler_takes_every_thread(memcached: str, tmp_path: Path) -> None:
    off = {"SHED_AFTER_MS": "0", "SHED_RENDERS": "0"}
    with running(memcached, tmp_path, 0, **off) as site, ThreadPoolExecutor(CRAWLERS + 1) as pool:
        crawl = [
            pool.submit(request, site.nginx.port, f"/ann/kwip/{100_000 + number}/")
            for number in range(CRAWLERS)
        ]
        time.sleep(0.5)
        member = pool.submit(site.member.get, "/")
        time.sleep(1)
        assert not member.done()
        site.release()
        assert member.result().status == 200
        assert {done.result().status for done in crawl} == {404}


def test_while_members_wait_for_threads_cold_pages_are_refused_and_stored_ones_are_not(
    memcached: str, tmp_path: Path
) -> None:
    """Three requests for each thread, so that each waits for about two others."""
    slow = {"HELD_SECONDS": "0.25", "SHED_RENDERS": "0"}
    with running(memcached, tmp_path, **slow) as site:
        site.warm("/everyone/")
        cookie = ("Cookie", f"{settings.SESSION_COOKIE_NAME}={session_key(site.ann)}")
        is_over = threading.Event()

        def keep_asking() -> set[int]:
            statuses = set()
            while not is_over.is_set():
                statuses.add(request(site.nginx.port, "/ann/kwip/100000/", cookie).status)
            return statuses

        with ThreadPoolExecutor(24) as pool:
            members = [pool.submit(keep_asking) for _ in range(24)]
            try:
                soon(lambda: request(site.nginx.port, "/ann/kwip/200000/").status == 503)
                assert request(site.nginx.port, "/everyone/").status == 200
                assert request(site.nginx.port, "/accounts/login/").status == 200
            finally:
                is_over.set()
            assert set().union(*(asked.result() for asked in members)) == {404}
        assert site.shed().keys() == {"waiting"}
        soon(lambda: request(site.nginx.port, "/ann/kwip/200000/").status == 404)


@pytest.mark.parametrize("through", ["nginx", "gunicorn"])
def test_a_stamp_that_a_client_sends_does_nothing(memcached: str, tmp_path: Path, through: str) -> None:
    """nginx replaces it; and for a gunicorn that others can reach, only its own proxies' stamps count."""
    with running(
        memcached, tmp_path, TRUSTED_PROXIES="127.0.0.0/8" if through == "nginx" else "unix"
    ) as site:
        port = site.nginx.port if through == "nginx" else site.gunicorn
        site.release()
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            stamp = ("X-Request-Start", f"t={time.time() - 5:.3f}")
            assert request(port, "/accounts/login/", stamp).status == 200
        assert request(port, "/ann/", stamp).status == 200
        assert site.shed() == {}


def test_an_old_page_of_the_edge_is_not_served_instead_of_the_refusal(memcached: str, tmp_path: Path) -> None:
    """It may have been deleted since. When PostgreSQL is down, nginx serves old pages."""
    with running(memcached, tmp_path) as site:
        assert request(site.nginx.port, "/ann/").status == 200
        with crawled(site):
            # A purge: the site has the page no more, and renders none now.
            form_key = str(uuid.uuid4())
            assert site.member.post("/kwip/", text="a later kwip", form_key=form_key).status == 302
            soon(lambda: request(site.nginx.port, "/ann/").status == 503)
            with ThreadPoolExecutor(5) as visitors:
                asked = [visitors.submit(request, site.nginx.port, "/ann/") for _ in range(5)]
            for refused in (visit.result() for visit in asked):
                assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
                assert "back in a moment" in refused.text
        soon(lambda: "a later kwip" in request(site.nginx.port, "/ann/").text)


def test_without_the_edge_the_site_gives_the_503_itself(memcached: str, tmp_path: Path) -> None:
    with running(memcached, tmp_path) as site, crawled(site):
        refused = request(site.gunicorn, "/ann/kwip/200000/")
        assert (refused.status, refused.headers["Retry-After"]) == (503, "30")
        assert refused.headers["Cache-Control"] == "no-store"
        assert "kwippy is out of breath" in refused.text
        assert "default-src 'none'" in (refused.headers["Content-Security-Policy"] or "")

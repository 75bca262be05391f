"""Overload: cold anonymous pages get a 503 with Retry-After, members and cached pages are served."""

import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from apps.accounts.models import User
from deploy.local.edge import Edge
from tests.support.edge import edge
from tests.support.http import Member, Response, request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

PROXIES = {"TRUSTED_PROXIES": "127.0.0.0/8"}
CRAWLERS = 20


@dataclass
class Site:
    """One worker behind nginx. Permalinks are slow until `release`."""

    nginx: Edge
    gunicorn: int
    member: Member
    until: Path

    def release(self) -> None:
        self.until.touch()

    def crawl(self, pool: ThreadPoolExecutor) -> list[Future[Response]]:
        """Requests permalinks that were not read before, all at once; they do not exist."""
        return [pool.submit(request, self.nginx.port, f"/ann/kwip/{100_000 + n}/") for n in range(CRAWLERS)]

    def shed(self) -> dict[str, float]:
        """The counter of /metrics, by reason."""
        text = request(self.gunicorn, "/metrics").text
        return {
            reason: float(count)
            for reason, count in re.findall(r'^kwippy_shed_total\{reason="(\w+)"\} (\S+)', text, re.M)
        }


@contextmanager
def running(memcached: str, folder: Path, **variables: str) -> Iterator[Site]:
    ann = User.objects.create_user("ann", "ann@example.org")
    until = folder / "until"
    settings = {"DJANGO_SETTINGS_MODULE": "tests.edge.held_settings", "HELD_UNTIL": str(until)}
    with (
        served(memcached=memcached, workers=1, variables=settings | PROXIES | variables) as gunicorn,
        edge(folder / "edge", gunicorn=gunicorn) as nginx,
    ):
        try:
            yield Site(nginx, gunicorn, Member(nginx.port, ann), until)
        finally:
            until.touch()


def test_members_are_served_while_a_crawler_takes_every_place(memcached: str, tmp_path: Path) -> None:
    with running(memcached, tmp_path) as site, ThreadPoolExecutor(CRAWLERS) as pool:
        hot = request(site.nginx.port, "/everyone/")
        assert hot.status == 200
        crawl = site.crawl(pool)
        refused = _first(crawl, 1, CRAWLERS - 4)
        # The others are held, or wait for those; in front of them nothing waits.
        for _ in range(5):
            assert site.member.get("/").status == 200
            assert request(site.nginx.port, "/accounts/login/").status == 200
            assert request(site.nginx.port, "/livez").status == 200
            assert request(site.nginx.port, "/robots.txt").status == 200
            assert request(site.nginx.port, "/everyone/").status == 200
        site.release()
        answers = [done.result() for done in crawl]
        assert {answer.status for answer in refused} == {503}
        assert {answer.status for answer in answers} == {404, 503}
        for answer in refused:
            assert answer.headers["Retry-After"] == "30"
            assert answer.headers["Cache-Control"] == "no-store"
            assert "kwippy is out of breath" in answer.text
            assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
            assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert site.shed() == {"renders": sum(answer.status == 503 for answer in answers)}
        # Nothing of it stays: the same page is rendered now.
        assert request(site.nginx.port, "/ann/kwip/100000/").status == 404

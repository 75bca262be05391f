"""Each service behind nginx fails while anonymous visitors read: pages shown before are still served."""

import os
import shutil
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from django.conf import settings

from apps.accounts.models import User
from apps.kwips import actions
from deploy.local import services
from deploy.local.memcached import Memcached
from deploy.local.postgres import Postgres
from tests.support.browser import OpenPage
from tests.support.edge import edge
from tests.support.http import Member, Response, Visitor, request, session_key
from tests.support.private_postgres import sessions, where
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

PATHS = ("/", "/everyone/", "/everyone/?sort=active", "/about/")


class Reading:
    """Anonymous visitors who read one page after the other until the block ends."""

    def __init__(self, port: int, paths: tuple[str, ...]) -> None:
        self.port = port
        self.answers: list[tuple[str, Response]] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._read, args=[paths]) for _ in range(3)]

    def _read(self, paths: tuple[str, ...]) -> None:
        while not self._over.is_set():
            for path in paths:
                self.answers.append((path, request(self.port, path)))
            time.sleep(0.01)

    def __enter__(self) -> "Reading":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def failed(self) -> list[tuple[str, int, str]]:
        assert len(self.answers) > 100
        return [
            (path, response.status, response.edge_cache)
            for path, response in self.answers
            if response.status != 200
        ]


def warm(gunicorn: int, paths: tuple[str, ...]) -> None:
    """Requests these pages until the site has stored them: it stores none on its first request."""
    for path in paths:
        soon(lambda path=path: "hit" in (request(gunicorn, path).headers["Cache-Status"] or ""))  # type: ignore[misc]


def soon(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def publish(member: Visitor, text: str) -> str:
    """The address of the new kwip."""
    answer = member.post("/kwip/", text=text, form_key=str(uuid.uuid4()))
    assert answer.status == 302, answer.status
    return answer.headers["Location"]


@contextmanager
def refused(server: Postgres) -> Iterator[None]:
    server.stop()
    yield
    server.start()


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    assert server._process is not None
    everyone = [server._process.pid, *services.descendants(server._process.pid)]
    for pid in everyone:
        os.kill(pid, signal.SIGSTOP)
    yield
    for pid in everyone:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.parametrize("fault", [refused, frozen], ids=lambda fault: fault.__name__)
def test_anonymous_visitors_read_on_while_postgresql_is_down(
    server: Postgres, memcached: str, tmp_path: Path, fault: Callable[[Postgres], Iterator[None]]
) -> None:
    [cookie] = sessions(server, 1)
    with (
        served(memcached=memcached, variables=where(server)) as gunicorn,
        edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
    ):
        member = Visitor(nginx.port, cookie)
        address = publish(member, "tea before")
        paths = (*PATHS, address, address.split("kwip/")[0])
        warm(gunicorn, paths)
        with Reading(nginx.port, paths) as reading:
            with fault(server):  # type: ignore[attr-defined]
                time.sleep(3)
                if fault is refused:
                    answer = member.post("/kwip/", text="tea <meanwhile>", form_key=str(uuid.uuid4()))
                    assert answer.status == 503
                    assert "tea &lt;meanwhile&gt;" in answer.text
            soon(lambda: member.get("/").status == 200)
            publish(member, "tea after")
            soon(lambda: "tea after" in request(nginx.port, "/everyone/").text)
        assert reading.failed() == []


def test_anonymous_visitors_read_on_while_memcached_is_down(memcached: str, tmp_path: Path) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    actions.publish(author=ann, text="tea", form_key=uuid.uuid4())
    hurt = Memcached(Path(memcached.removeprefix("unix:")).parent, name="hurt")
    hurt.start()
    paths = (*PATHS, "/ann/")
    try:
        with (
            served(memcached=hurt.address) as gunicorn,
            edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
        ):
            warm(gunicorn, paths)
            with Reading(nginx.port, paths) as reading:
                hurt.stop()
                time.sleep(3)
                hurt.start()
                warm(gunicorn, paths)
                assert hurt._process is not None
                os.kill(hurt._process.pid, signal.SIGSTOP)
                time.sleep(3)
                os.kill(hurt._process.pid, signal.SIGCONT)
                warm(gunicorn, paths)
            assert reading.failed() == []
    finally:
        hurt.stop()


def test_anonymous_visitors_read_on_while_gunicorn_is_down(memcached: str, tmp_path: Path) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    actions.publish(author=ann, text="tea before", form_key=uuid.uuid4())
    paths = (*PATHS, "/ann/")
    with (
        served(memcached=memcached) as gunicorn,
        edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
    ):
        member = Member(nginx.port, ann)
        for path in paths:
            request(nginx.port, path)
        with Reading(nginx.port, paths) as reading:
            kill_gunicorn()
            time.sleep(3)
            # A member does not get an anonymous page instead, and an uncached page is an error.
            assert member.get("/everyone/").status == 503
            assert request(nginx.port, "/accounts/login/").status == 503
            assert request(nginx.port, "/everyone/").edge_cache == "STALE"
            with served(memcached=memcached, port=gunicorn):
                publish(member, "tea after")
                soon(lambda: "tea after" in request(nginx.port, "/everyone/").text)
        assert reading.failed() == []


@pytest.mark.parametrize("javascript", [True, False])
def test_a_text_sent_while_gunicorn_is_down_is_shown_again(
    memcached: str, tmp_path: Path, open_page: OpenPage, javascript: bool
) -> None:
    ann = User.objects.create_user("ann", "ann@example.org")
    with (
        served(memcached=memcached, workers=1) as gunicorn,
        edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
    ):
        shutil.copytree(settings.STATICFILES_DIRS[0], nginx.static, dirs_exist_ok=True)
        page = open_page(javascript=javascript)
        address = f"http://localhost:{nginx.port}"
        page.context.add_cookies([{"name": "sessionid", "value": session_key(ann), "url": address}])
        page.goto(f"{address}/kwip/")
        page.get_by_label("what's on your mind?").fill("tea\n\nand a long story")
        kill_gunicorn()
        page.get_by_role("button", name="kwip it").click()
        page.get_by_role("heading", name="back in a moment").wait_for()
        kept = page.get_by_label("your words are safe")
        if javascript:
            assert kept.input_value() == "tea\n\nand a long story"
        else:
            assert not kept.is_visible()
        page.go_back()
        with served(memcached=memcached, port=gunicorn, workers=1):
            page.reload()
            if javascript:
                assert page.get_by_label("what's on your mind?").input_value() == "tea\n\nand a long story"


def kill_gunicorn() -> None:
    """Kills the gunicorn of this test and its workers by SIGKILL."""
    found = [
        pid
        for pid in services.descendants(os.getpid())
        if b"gunicorn" in Path(f"/proc/{pid}/cmdline").read_bytes()
    ]
    assert found
    for pid in found:
        os.kill(pid, signal.SIGKILL)

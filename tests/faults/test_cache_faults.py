"""memcached fails in different ways under load: no request fails, and sessions stay valid."""

import os
import signal
import socket
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from apps.accounts.models import User
from apps.graph.actions import follow
from apps.kwips import actions
from deploy.local.memcached import Memcached
from tests.support.budget import cost
from tests.support.concurrency import uncommitted
from tests.support.http import Member, Response
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def server(memcached: str) -> Iterator[Memcached]:
    """A memcached that tests may kill."""
    own = Memcached(Path(memcached.removeprefix("unix:")).parent, name="hurt")
    own.start()
    yield own
    own.stop()


@pytest.fixture
def people(db: None) -> list[User]:
    people = [User.objects.create_user(f"fan{n}", f"fan{n}@example.org") for n in range(16)]
    for number, person in enumerate(people[1:]):
        follow(follower=person, followee=people[0])
        actions.publish(author=people[0], text=f"tea {number}", form_key=uuid.uuid4())
    return people


class Clicking:
    """Members who request their home timelines until `stop`."""

    def __init__(self, members: list[Member]) -> None:
        self.answers: list[Response] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._click, args=[member]) for member in members]

    def _click(self, member: Member) -> None:
        while not self._over.is_set():
            self.answers.append(member.get("/"))

    def __enter__(self) -> "Clicking":
        for thread in self._threads:
            thread.start()
        return self

    def go_on(self) -> None:
        """Waits for new responses: a request that hangs on memcached gets none."""
        wanted = len(self.answers) + 3 * len(self._threads)
        until(lambda: len(self.answers) >= wanted)

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()


def is_cached(member: Member) -> bool:
    """Whether a page was rendered without a cache miss."""
    took = cost(member.get("/").headers)
    return took["misses"] == 0 and took["hits"] == 3  # the session, the user and the policy


def until(condition: Callable[[], bool]) -> None:
    """Waits up to a minute until the condition holds."""
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.05)


def _pid(server: Memcached) -> int:
    assert server._process is not None
    return server._process.pid


def killed(server: Memcached, clicking: Clicking) -> None:
    server.stop()
    clicking.go_on()
    server.start()


def stopped(server: Memcached, clicking: Clicking) -> None:
    os.kill(_pid(server), signal.SIGSTOP)
    try:
        clicking.go_on()
    finally:
        os.kill(_pid(server), signal.SIGCONT)


def flushed(server: Memcached, clicking: Clicking) -> None:
    with socket.socket(socket.AF_UNIX) as wire:
        wire.connect(server.address.removeprefix("unix:"))
        wire.sendall(b"flush_all\r\n")
        wire.recv(100)
    clicking.go_on()


@pytest.mark.asvs("16.5.2")
@pytest.mark.parametrize("fault", [killed, stopped, flushed], ids=lambda fault: fault.__name__)
def test_members_go_on_clicking(
    server: Memcached, people: list[User], fault: Callable[[Memcached, Clicking], None]
) -> None:
    with served(memcached=server.address) as port:
        members = [Member(port, person) for person in people[1:3]]
        until(lambda: is_cached(members[0]))
        with Clicking(members) as hurt:
            hurt.go_on()
            fault(server, hurt)
            until(lambda: is_cached(members[0]))
        assert {answer.status for answer in hurt.answers} == {200}
        assert all('data-viewer="fan' in answer.text for answer in hurt.answers), "a member was signed out"


def test_a_server_that_was_never_there_costs_nothing_but_speed(people: list[User]) -> None:
    with served(memcached="127.0.0.1:1") as port:
        member = Member(port, people[1])
        for _ in range(5):
            answer = member.get("/")
            assert answer.status == 200
            assert 'data-viewer="fan1"' in answer.text


def live(member: Member, name: str) -> list[str]:
    """Writes, then reads at once from any process; returns the stale values."""
    stale: list[str] = []
    for turn in range(6):
        shown = f"{name} the {turn}th"
        assert member.post("/settings/", display_name=shown, bio="").status == 302
        stale += [
            f"{path}: {shown}" for path in ("/settings/", f"/{name}/") if shown not in member.get(path).text
        ]
        follows = turn % 2 == 0
        member.post("/fan0/follow/" if follows else "/fan0/unfollow/")
        if ('data-state="on"' in member.get("/fan0/").text) != follows:
            stale.append(f"{name}: follows {follows}")
    assert member.post("/accounts/logout/").status == 302
    return [*stale, "signed out"] if "data-viewer" in member.get("/").text else stale


def test_two_processes_and_sixteen_threads_never_read_what_was_before(
    memcached: str, people: list[User]
) -> None:
    with served(memcached=memcached, patient=True) as port, ThreadPoolExecutor(16) as pool:
        members = [(Member(port, person), person.username) for person in people]
        stale = [found for lives in pool.map(lambda one: live(*one), members[1:]) for found in lives]
        assert stale == []
        # A deactivated member is signed out at the first request after the commit, although both processes
        # cached the old row between the change and the commit.
        member, name = members[0]
        until(lambda: is_cached(member))
        with uncommitted():
            people[0].is_active = False
            people[0].save()
            for path in ("/", "/fan1/", "/everyone/") * 3:
                assert f'data-viewer="{name}"' in member.get(path).text
            until(lambda: is_cached(member))
        assert "data-viewer" not in member.get("/").text

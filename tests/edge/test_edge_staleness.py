"""How stale a page is, through nginx and both caches, after the response to a write."""

import os
import re
import threading
import time
import uuid
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path
from typing import NamedTuple

import pytest

from apps.accounts.models import User
from apps.kwips.actions import delete, publish
from tests.edge.test_edge_faults import kill_gunicorn
from tests.support.edge import edge
from tests.support.http import Member, Response, request
from tests.support.site import served

pytestmark = pytest.mark.django_db(transaction=True)

SECONDS = 90 if os.environ.get("TORTURE") == "1" else 8
# nginx counts whole seconds, so a page with s-maxage=1 may be cached for two.
EDGE_SECONDS = 2.0
LEAST = 11  # writes of each writer


class Writer(ABC):
    """A member who writes increasing numbers, and records when the site confirmed each."""

    most: int  # writes, below the rate limit

    def __init__(self, name: str, port: int, paths: tuple[str, ...]) -> None:
        self.name = name
        self.member = Member(port, User.objects.create_user(name, f"{name}@example.org"))
        self.paths = paths
        self.written: list[tuple[int, float]] = [(0, 0.0)]

    @abstractmethod
    def write(self, number: int) -> None: ...

    @abstractmethod
    def read(self, text: str) -> int: ...

    def go_on(self, until: float) -> None:
        number = 0
        while number < LEAST or (time.monotonic() < until and number < self.most):
            number += 1
            self.write(number)
            self.written.append((number, time.monotonic()))
            time.sleep(max(0.2, SECONDS / self.most))

    def due(self, began: float, bound: float) -> int:
        """The lowest number that a request which begins at that time may get."""
        return max((number for number, at in self.written if at <= began - bound), default=0)


class Read(NamedTuple):
    """One request: the number found, when it began, and how long it took."""

    writer: Writer
    path: str
    number: int
    began: float
    seconds: float


class Publisher(Writer):
    """Publishes kwips; the newest is on the author's page and on everyone's."""

    most = 28

    def write(self, number: int) -> None:
        text = f"{self.name} says {number}."
        answer = self.member.post("/kwip/", text=text, form_key=str(uuid.uuid4()))
        assert answer.status == 302

    def read(self, text: str) -> int:
        return max(map(int, re.findall(rf"{self.name} says (\d+)\.", text)), default=0)


class Renamer(Writer):
    """Changes their display name, which purges the pages of all people."""

    most = 18

    def write(self, number: int) -> None:
        answer = self.member.post("/settings/", display_name=f"{self.name} the {number}th", bio="")
        assert answer.status == 302

    def read(self, text: str) -> int:
        return max(map(int, re.findall(rf"{self.name} the (\d+)th", text)), default=0)


class Kept(NamedTuple):
    """A deleted page of which nginx has a copy. The site holds its render until the file ``until`` exists."""

    port: int
    path: str
    until: Path

    def ask(self) -> Response:
        return request(self.port, self.path)


def read_on(port: int, writers: list[Writer], over: threading.Event, reads: list[Read]) -> None:
    last = False
    while not last:
        last = over.is_set()  # one more round after the last write is due
        for writer in writers:
            for path in writer.paths:
                began = time.monotonic()
                number = writer.read(request(port, path).text)
                reads.append(Read(writer, path, number, began, time.monotonic() - began))


def test_no_page_is_stale_for_longer_than_the_edge_may_cache_it(memcached: str, tmp_path: Path) -> None:
    with (
        served(memcached=memcached, patient=True) as gunicorn,
        edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
    ):
        writers: list[Writer] = [
            Publisher("ann", nginx.port, ("/ann/", "/everyone/")),
            Publisher("bob", nginx.port, ("/bob/", "/everyone/")),
            Renamer("cid", nginx.port, ("/cid/",)),
            Renamer("dan", nginx.port, ("/dan/", "/dan/followers/")),
        ]
        reads: list[Read] = []
        over = threading.Event()
        until = time.monotonic() + SECONDS
        with ThreadPoolExecutor(8) as threads:
            reading = [threads.submit(read_on, nginx.port, writers, over, reads) for _ in range(4)]
            writing = [threads.submit(writer.go_on, until) for writer in writers]
            wait(writing)
            time.sleep(EDGE_SECONDS + 0.5)
            over.set()
        for done in (*writing, *reading):
            done.result()
    # A page may be rendered before the change and reach nginx after it, and updating an expired entry takes
    # another render: as long as these take on this machine.
    bound = EDGE_SECONDS + 0.1 + 2 * max(read.seconds for read in reads)
    stale = [
        f"{read.path}: {read.number} where {due} was due"
        for read in reads
        if read.number < (due := read.writer.due(read.began, bound))
    ]
    assert stale == []
    for writer in writers:
        assert max(read.number for read in reads if read.writer is writer) == len(writer.written) - 1


@pytest.fixture
def kept(memcached: str, tmp_path: Path) -> Iterator[Kept]:
    until = tmp_path / "until"
    until.touch()
    ann = User.objects.create_user("ann", "ann@example.org")
    kwip = publish(author=ann, text="to be deleted", form_key=uuid.uuid4()).kwip
    variables = {
        "DJANGO_SETTINGS_MODULE": "tests.edge.held_settings",
        "HELD_UNTIL": str(until),
        "SHED_AFTER_MS": "0",
        "SHED_RENDERS": "0",
    }
    with (
        served(memcached=memcached, workers=1, variables=variables) as gunicorn,
        edge(tmp_path / "edge", gunicorn=gunicorn) as nginx,
    ):
        kept = Kept(nginx.port, f"/ann/kwip/{kwip.pk}/", until)
        assert "to be deleted" in kept.ask().text
        delete(kwip=kwip)
        time.sleep(EDGE_SECONDS + 0.5)
        yield kept
        until.touch()


def test_concurrent_visitors_do_not_get_a_page_that_was_deleted(kept: Kept) -> None:
    kept.until.unlink()
    with ThreadPoolExecutor(4) as visitors:
        asked = [visitors.submit(kept.ask) for _ in range(4)]
        time.sleep(0.5)
        kept.until.touch()
        answers = [visit.result() for visit in asked]
    assert {answer.status for answer in answers} == {410}, [answer.edge_cache for answer in answers]
    assert not [answer for answer in answers if "to be deleted" in answer.text]


def test_while_the_site_is_down_a_page_that_was_deleted_does_not_come_back(kept: Kept) -> None:
    gone = kept.ask()
    assert (gone.status, gone.edge_cache, gone.headers["X-Accel-Expires"]) == (410, "EXPIRED", None)
    kill_gunicorn()
    time.sleep(EDGE_SECONDS + 0.5)
    answer = kept.ask()
    assert (answer.status, answer.edge_cache) == (410, "STALE")
    assert "to be deleted" not in answer.text
